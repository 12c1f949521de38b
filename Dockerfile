# One service as an image: docker build --build-arg SERVICE=order .
# TypeScript runs as it is (docs/adr/0001), so nothing is built: production packages, generated code and sources lie as in
# the repository. What all services share comes first: their images differ in the last layers only.
FROM node:24-bookworm-slim AS base
WORKDIR /app

# What decides which packages are installed. Copied on by content: other changes leave the installations cached.
FROM base AS manifests
COPY . .
RUN find . -type f ! -name package.json ! -name 'pnpm-*.yaml' -delete && find . -type d -empty -delete

FROM base AS packages
COPY --from=manifests /app ./
RUN npm install --global --no-fund --no-audit --loglevel=error "$(node -p 'require("./package.json").packageManager')"

# Of the sources only what is read: other changes leave this cached, too.
FROM packages AS generated
RUN pnpm install --config.pmOnFail=ignore --frozen-lockfile --ignore-scripts --filter tenon
COPY buf.yaml buf.gen.yaml ./
COPY packages/options/buf.gen.yaml packages/options/
COPY scripts/generate.ts scripts/print-proto.ts scripts/proto-comments.ts scripts/
COPY proto proto
RUN PATH=/app/node_modules/.bin:$PATH node scripts/generate.ts

# Not pnpm deploy: Node strips no types below node_modules. No optional packages: PostgreSQL runs elsewhere. What only
# compilers and debuggers read is half of the rest.
FROM packages AS production
RUN pnpm install --config.pmOnFail=ignore --frozen-lockfile --prod --no-optional \
      --filter-prod '{./services/*}...' --filter-prod '!@tenon/platform' \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# What the image of Node is made from: npm and what else it has is needed no longer.
FROM debian:bookworm-slim AS service
COPY --from=base /usr/local/bin/node /usr/local/bin/
WORKDIR /app
COPY --from=production /app ./
# The setup writes there: a new volume takes its owner from the directory that it is mounted on.
RUN for name in $(ls services) postgres nats nats-data authority client; do install -d -o 1000 -g 1000 "/secrets/$name"; done \
 && install -d -o 1000 -g 1000 /var/cache/node
COPY --from=generated /app/packages/options/gen packages/options/gen
COPY --from=generated /app/packages/contracts/gen packages/contracts/gen
COPY packages packages
ARG SERVICE
COPY services/${SERVICE} services/${SERVICE}
WORKDIR /app/services/${SERVICE}
USER 1000:1000
ENV NODE_ENV=production HOST=0.0.0.0 NODE_COMPILE_CACHE=/var/cache/node
# Loads everything once: what is missing is found now, and the stripped and compiled code halves the time to start.
RUN node --input-type=module --eval "await import('@tenon/${SERVICE}')"
CMD ["node", "src/main.ts"]
