import { experimental, type Metadata, status as Status } from "@grpc/grpc-js";

type ChannelControlHelper = experimental.ChannelControlHelper;
type LoadBalancer = experimental.LoadBalancer;
type Picker = experimental.Picker;
type TypedLoadBalancingConfig = experimental.TypedLoadBalancingConfig;

/**
 * The load balancing policy around `outlier_detection`, which takes every code but OK for a failure of the address (gRFC A50
 * asks for that): replicas that are well would be left out for telling callers that there is no such thing, or for being left
 * by them. With this one only the codes of the unwell count, as for a circuit breaker.
 */
export const JUDGED_ADDRESSES = "tenon_judged_addresses";

const FAILURES: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Makes the policy known to grpc-js. */
export function registerJudgedAddresses(): void {
  if (experimental.isLoadBalancerNameRegistered(JUDGED_ADDRESSES)) return;
  experimental.registerLoadBalancerType(JUDGED_ADDRESSES, JudgedAddresses, JudgedAddressesConfig);
}

class JudgedAddressesConfig implements TypedLoadBalancingConfig {
  readonly child: TypedLoadBalancingConfig;
  constructor(child: TypedLoadBalancingConfig) {
    this.child = child;
  }
  static createFromJson({ child_policy }: { child_policy: object[] }): JudgedAddressesConfig {
    const child = experimental.selectLbConfigFromList(child_policy as never);
    if (child === null) throw new Error(`${JUDGED_ADDRESSES} has no child_policy`);
    return new JudgedAddressesConfig(child);
  }
  getLoadBalancerName(): string {
    return JUDGED_ADDRESSES;
  }
  toJsonObject(): object {
    return { [JUDGED_ADDRESSES]: { child_policy: [this.child.toJsonObject()] } };
  }
}

class JudgedAddresses implements LoadBalancer {
  private readonly child: experimental.ChildLoadBalancerHandler;
  constructor(helper: ChannelControlHelper) {
    const updateState: ChannelControlHelper["updateState"] = (state, picker, message) =>
      helper.updateState(state, judging(picker), message);
    this.child = new experimental.ChildLoadBalancerHandler(
      experimental.createChildChannelControlHelper(helper, { updateState }),
    );
  }
  updateAddressList(...[addresses, config, options, note]: Parameters<LoadBalancer["updateAddressList"]>): boolean {
    return this.child.updateAddressList(addresses, (config as JudgedAddressesConfig).child, options, note);
  }
  exitIdle(): void {
    this.child.exitIdle();
  }
  resetBackoff(): void {
    this.child.resetBackoff();
  }
  destroy(): void {
    this.child.destroy();
  }
  getTypeName(): string {
    return JUDGED_ADDRESSES;
  }
}

/** The picker, whose addresses are told OK for an answer, and nothing of a call whose caller has left. */
const judging = (picker: Picker): Picker => ({
  pick(args) {
    const picked = picker.pick(args);
    const { onCallEnded } = picked;
    if (onCallEnded === null) return picked;
    const tell = (code: Status, details: string, metadata: Metadata) => {
      if (code !== Status.CANCELLED) onCallEnded(FAILURES.has(code) ? code : Status.OK, details, metadata);
    };
    return { ...picked, onCallEnded: tell };
  },
});
