export { type CertificateSubject, type CertificatesOptions, makeCertificates } from "./certificates.ts";
export { makeSecrets, type SecretsOptions } from "./secrets.ts";
export { makeServiceKeys, type ServiceKeysOptions } from "./service-keys.ts";
