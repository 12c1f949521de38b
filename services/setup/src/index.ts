export { type CertificateSubject, type CertificatesOptions, makeCertificates } from "./certificates.ts";
export { makeServiceKeys, type ServiceKeysOptions } from "./service-keys.ts";
