import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { JUDGED_ADDRESSES } from "./judged-addresses.ts";

/** At most this many attempts of one call, 0.1 s to 2 s apart with jitter (gRFC A6). */
const RETRY_POLICY = {
  maxAttempts: 4,
  initialBackoff: "0.1s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};
/** The budget: ten failures in a row use up half of it and stop retries; a success earns back a tenth of one. */
const RETRY_THROTTLING = { maxTokens: 20, tokenRatio: 0.1 };

/** An address that fails half of at least ten calls in ten seconds is left out for a while (gRFC A50), never all of them. */
const OUTLIER_DETECTION = {
  outlier_detection: {
    interval: { seconds: 10, nanos: 0 },
    base_ejection_time: { seconds: 10, nanos: 0 },
    max_ejection_time: { seconds: 60, nanos: 0 },
    max_ejection_percent: 50,
    failure_percentage_ejection: {
      threshold: 50,
      enforcement_percentage: 100,
      minimum_hosts: 2,
      request_volume: 10,
    },
    child_policy: [{ round_robin: {} }],
  },
};

const LOAD_BALANCING = { [JUDGED_ADDRESSES]: { child_policy: [OUTLIER_DETECTION] } };

/** The service config of a channel, as the contract gives it: only methods that it calls safe to repeat are retried. */
export function createServiceConfig(service: DescService, retries: boolean): object {
  const loadBalancingConfig = [LOAD_BALANCING];
  if (!retries) return { loadBalancingConfig };
  const safe = service.methods.filter(isSafeToRepeat);
  if (safe.length === 0) return { loadBalancingConfig };
  const name = safe.map((method) => ({ service: service.typeName, method: method.name }));
  return {
    loadBalancingConfig,
    methodConfig: [{ name, retryPolicy: RETRY_POLICY }],
    retryThrottling: RETRY_THROTTLING,
  };
}

/** It reads only, or its request id makes a repetition harmless. */
const isSafeToRepeat = ({ idempotency }: DescMethod): boolean =>
  idempotency === Idempotency.NO_SIDE_EFFECTS || idempotency === Idempotency.IDEMPOTENT;
