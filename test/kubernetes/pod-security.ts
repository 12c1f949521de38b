// What the pod security standard "restricted" asks of a pod and of each of its containers.
import type { PodSecurityContext, SecurityContext } from "kubernetes-types/core/v1.d.ts";

export const RESTRICTED_POD: PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  seccompProfile: { type: "RuntimeDefault" },
};

export const RESTRICTED_CONTAINER: SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
