// The form of the start page: logs in, places an order and watches it, by the same REST calls that anyone can make.
const at = (id) => document.getElementById(id);
let token = "";

/** One call; throws an Error with what the gateway says where it refuses. */
async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const json = await response.json();
  if (!response.ok) throw new Error(json.message);
  return json;
}

async function logIn() {
  const { accessToken } = await call("POST", "/v1/sessions", {
    email: at("email").value,
    password: at("password").value,
  });
  token = accessToken;
  const { displayName } = await call("GET", "/v1/me");
  at("session").textContent = `Logged in as ${displayName}.`;
  at("place").disabled = false;
}

async function signUp() {
  const [email, password] = [at("email").value, at("password").value];
  const displayName = email.split("@")[0];
  await call("POST", "/v1/users", { requestId: crypto.randomUUID(), email, password, displayName });
  await logIn();
}

async function placeOrder() {
  const order = await call("POST", "/v1/orders", {
    requestId: crypto.randomUUID(),
    items: [{ productId: at("product").value, quantity: at("quantity").valueAsNumber }],
    paymentMethod: at("payment-method").value,
  });
  at("history").replaceChildren();
  for await (const { state, total, failure } of watch(order.id)) {
    const line = document.createElement("li");
    const why = failure ? `: ${failure.message}` : "";
    line.textContent = `${stateText(state)} (${moneyText(total)})${why}`;
    at("history").append(line);
  }
}

/** The order as it is and after every change. An EventSource would need the token in the URL; fetch sends it in a header. */
async function* watch(orderId) {
  const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
  const response = await fetch(`/v1/orders/${orderId}:watch`, { headers });
  if (!response.ok) throw new Error((await response.json()).message);
  let text = "";
  for await (const chunk of chunksOf(response.body.pipeThrough(new TextDecoderStream()))) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (/^event: error$/m.test(event)) throw new Error(JSON.parse(data).message);
      if (data && !/^event: /m.test(event)) yield JSON.parse(data);
    }
  }
}

/** Not every browser iterates over a stream. */
async function* chunksOf(stream) {
  const reader = stream.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function listProducts() {
  const { products = [] } = await call("GET", "/v1/products?state=PRODUCT_STATE_ACTIVE");
  const options = products.map(({ id, name, price }) => new Option(`${name}, ${moneyText(price)}`, id));
  at("product").replaceChildren(...options);
}

const stateText = (state) => state.replace("ORDER_STATE_", "").toLowerCase();

const moneyText = ({ currencyCode, units = "0", nanos = 0 }) =>
  new Intl.NumberFormat(undefined, { style: "currency", currency: currencyCode }).format(Number(units) + nanos / 1e9);

/** Shows what went wrong, and does one thing at a time. */
async function attempt(work) {
  at("problem").textContent = "";
  try {
    await work();
  } catch (error) {
    at("problem").textContent = error.message;
  }
}

at("account").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(event.submitter?.name === "sign-up" ? signUp : logIn);
});
at("order").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(placeOrder);
});
attempt(listProducts);
