// What every server of the bench does for a call, so that they differ in how they serve it and in nothing else.

/** `CreateOrderRequest`, from either wire. */
export interface OrderRequest {
  readonly items: readonly { readonly productId: string; readonly quantity: number }[];
}

/** 64-bit numbers are bigints in protobuf and strings in JSON. */
type Int64<N> = (value: number) => N;

export const NAME = "Ada Lovelace";

/** `ListGreetings` without names streams the recorded ones: so many messages in a call. */
export const RECORDED: readonly string[] = Array.from({ length: 1000 }, (_, i) => `Name number ${i}`);

const CATALOG = new Map(
  [
    {
      productId: "0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0001",
      sku: "OAK-TABLE-180",
      name: "Oak table, 180 cm",
      cents: 89_900,
    },
    {
      productId: "0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0002",
      sku: "OAK-BENCH-160",
      name: "Oak bench, 160 cm",
      cents: 34_950,
    },
    {
      productId: "0192f0c1-6b1e-7c3a-8f21-3a6b5c4d0003",
      sku: "WAX-OIL-500",
      name: "Hard wax oil, 500 ml",
      cents: 2_490,
    },
  ].map((product) => [product.productId, product]),
);

export const ORDERED: OrderRequest = {
  items: [...CATALOG.keys()].map((productId, i) => ({ productId, quantity: i + 1 })),
};

export const greetingOf = (name: string): string => `Hello ${name}`;

/** The order that a request becomes, priced from the catalogue; its ids and times are fixed, so that answers can be compared. */
export function placeOrder<N>({ items }: OrderRequest, int64: Int64<N>) {
  let total = 0;
  const lines = items.map(({ productId, quantity }) => {
    const { sku, name, cents } = productOf(productId);
    total += cents * quantity;
    return { productId, sku, name, quantity, unitPrice: euros(cents, int64), amount: euros(cents * quantity, int64) };
  });
  const createTime = { seconds: int64(1_790_000_000), nanos: 123_000_000 };
  return {
    id: "0192f0c1-7a52-7d11-9c0e-55d1a0b20001",
    userId: "0192f0c1-5e40-7b7d-a1f3-6c9be2870001",
    items: lines,
    total: euros(total, int64),
    refunded: euros(0, int64),
    state: 1 as const, // pending
    version: int64(1),
    createTime,
    updateTime: createTime,
    etag: "1",
  };
}

function productOf(productId: string) {
  const product = CATALOG.get(productId);
  if (product === undefined) throw new Error(`no product ${productId}`);
  return product;
}

const euros = <N>(cents: number, int64: Int64<N>) => ({
  currencyCode: "EUR",
  units: int64(Math.trunc(cents / 100)),
  nanos: (cents % 100) * 10_000_000,
});
