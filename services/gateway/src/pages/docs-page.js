// Shows /openapi.json by Swagger UI. Whoever logs in here is logged in for all that is tried next.
const { SwaggerUIBundle } = globalThis;
const spec = await (await fetch("/openapi.json")).json();

// A fresh id for each visit: the same one again would be answered as the first time was.
for (const { properties } of Object.values(spec.components.schemas)) {
  if (properties?.requestId) properties.requestId.examples = [crypto.randomUUID()];
}

const ui = SwaggerUIBundle({
  dom_id: "#docs",
  spec,
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // Nothing is asked of anyone but this gateway.
  validatorUrl: null,
  responseInterceptor(response) {
    if (response.ok && new URL(response.url).pathname === "/v1/sessions") {
      ui.preauthorizeApiKey("bearer", JSON.parse(response.text).accessToken);
    }
    return response;
  },
});
