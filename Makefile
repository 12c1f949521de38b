# Needs npm, make and any Node >= 20. All else, Node 24 and PostgreSQL included, comes from npm by the lockfile.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# npm runs under the Node that it came with, also in a make of ours within this one.
ifndef OUTSIDE
OUTSIDE := $(PATH)
endif
export OUTSIDE
export PATH := $(CURDIR)/node_modules/node/bin:$(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.installed
IMAGES = $(notdir $(filter-out services/platform services/setup,$(wildcard services/*)))
BENCH := bench/node_modules/.installed
GENERATED := packages/contracts/gen/.generated
CONTRACTS := $(shell find proto) $(wildcard buf*.yaml packages/*/buf*.yaml) scripts/generate.ts scripts/print-proto.ts scripts/proto-comments.ts
MANIFESTS := package.json pnpm-lock.yaml pnpm-workspace.yaml $(wildcard packages/*/package.json services/*/package.json test/package.json bench/package.json)
# The version that package.json pins; read when it is needed only.
PNPM = npx -y $(shell sed -n 's/.*"packageManager": "\(.*\)".*/\1/p' package.json)
# No questions, and engines are those of the Node that is being installed, not of the one that installs it.
QUIET := --config.confirmModulesPurge=false --config.nodeVersion=24.21.0 --config.pmOnFail=ignore
# Where the system can do it, the platform ends with a make that is killed and keeps no port.
BOUND = $(shell setpriv --pdeathsig KILL true 2>/dev/null && echo setpriv --pdeathsig KILL)

.PHONY: help images kubernetes-secrets kubernetes-smoke drill canary run platform greet test check conformance simulation differential fuzz mutations openapi pack generate format lint types install bench-server bench-gateway smoke chaos interop leaks bench-overload bench-transport bench-start bench-interceptors bench-orders certs sbom new-service lockfile

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

# exec: the process is make's child itself, so Ctrl-C and SIGTERM reach it once, and make waits until it has drained. Who ends
# make from elsewhere sends SIGTERM: a SIGINT that comes to make alone, and not to its group as by Ctrl-C, make passes to nobody.
run: $(GENERATED) ## start every service here (service=user: that one)
	@exec $(BOUND) node services/platform/src/main.ts $${service:+"$$service"}

platform: $(GENERATED) ## have the running platform do something: args="help" lists what
	@exec node services/platform/src/operate.ts $$args

greet: $(GENERATED) ## call the running greeter: name=John [kind=greet|list|record|chat] [target=127.0.0.1:8080]
	@exec node services/greeter/src/greet.ts --name="$$name" $${kind:+--kind="$$kind"} $${target:+--target="$$target"}

certs: $(GENERATED) ## a development root and short-lived certificates in .data/tls, for make run with mTLS
	@exec node services/setup/src/certs.ts

test: $(GENERATED) ## every test (only=services/user: those of a path)
	@exec vitest run $${only:+"$$only"}

check: $(GENERATED) $(BENCH) ## what CI runs: format, lint, types, contracts, tests, clean tree
	@exec node scripts/check.ts

bench-server: $(GENERATED) $(BENCH) ## our server beside others: quick=1, rounds=9, only=grpc-js,tenon
	@exec node bench/bench-server.ts $${quick:+--quick} $${rounds:+--rounds="$$rounds"} $${only:+--only="$$only"}

bench-gateway: $(GENERATED) $(BENCH) ## REST through our gateway beside others: quick=1, rounds=9, only=tenon-gateway,fastify
	@exec node bench/bench-gateway.ts $${quick:+--quick} $${rounds:+--rounds="$$rounds"} $${only:+--only="$$only"}

bench-transport: $(GENERATED) $(BENCH) ## what mutual TLS and telemetry take of our server's calls: quick=1, rounds=9
	@exec node bench/bench-transport.ts $${quick:+--quick} $${rounds:+--rounds="$$rounds"} $${only:+--only="$$only"}

bench-overload: $(GENERATED) $(BENCH) ## five times the load that a server can bear, with and without load shedding: quick=1
	@exec node bench/bench-overload.ts $${quick:+--quick}

bench-start: $(GENERATED) $(BENCH) ## each service until it is ready, and what it takes when nobody calls: quick=1
	@exec node bench/bench-start.ts $${quick:+--quick}

bench-interceptors: $(GENERATED) $(BENCH) ## what interceptors cost, ours and others': quick=1, rounds=9, only=grpc-js,tenon
	@exec node bench/bench-interceptors.ts $${quick:+--quick} $${rounds:+--rounds="$$rounds"} $${only:+--only="$$only"}

bench-orders: $(GENERATED) $(BENCH) ## orders until they are confirmed, beside their SQL alone: quick=1, orders=1000000
	@exec node bench/bench-orders.ts $${quick:+--quick} $${orders:+--orders="$$orders"}

conformance: $(GENERATED) ## our server and client by connectconformance, every case of gRPC (needs Go)
	@exec node scripts/conformance.ts

differential: $(GENERATED) ## every case of transcoding, sent to ours and to grpc-gateway: differences must be listed (needs Go)
	@node packages/transcoding/src/differential/differential.ts; code=$$?; [ $$code -eq 3 ] || exit $$code

fuzz: $(GENERATED) ## what strangers may send to the gateway's protocols, until the time is over: seconds=60 [seed=1]
	@exec node packages/transcoding/src/fuzz/run-fuzz.ts $${seconds:+--seconds="$$seconds"} $${seed:+--seed="$$seed"}
simulation: $(GENERATED) ## the rules of order, payment and processor in worlds full of faults: seeds=500, or seed=7 with its history
	@exec node test/simulation/simulate.ts $${seed:+--seed="$$seed"} $${seeds:+--seeds="$$seeds"}

interop: $(GENERATED) ## our server and client, whole chains, by grpc-go's interoperability programs (needs Go)
	@exec node scripts/interop.ts

leaks: $(GENERATED) ## what 200,000 calls and 20,000 cancelled streams leave on the heap: nothing (calls=, streams=)
	@exec node test/leaks/leaks.ts $${calls:+--calls="$$calls"} $${streams:+--streams="$$streams"}

mutations: $(GENERATED) ## each guard of the money switched off once, in a copy: the tests must turn red (guard=: part of its name)
	@exec node scripts/mutations.ts $${guard:+"$$guard"}

openapi: $(GENERATED) ## docs/openapi.json, what the gateway serves at /openapi.json; check compares with it
	@node services/gateway/src/print-openapi.ts > docs/openapi.json
	@biome format --write docs/openapi.json

chaos: $(GENERATED) ## orders while every process is killed again and again, then all books compared: minutes=2 [seed=]
	@exec node test/chaos/chaos.ts $${minutes:+--minutes="$$minutes"} $${seed:+--seed="$$seed"}

# Clients ask a name server of the drill's own.
drill: $(GENERATED) $(BENCH) ## what happens to processes that run, done to them under load, a row each: [only=drain,rolling,...]
	@GRPC_NODE_USE_ALTERNATIVE_RESOLVER=true exec node test/drill/drill.ts $${only:+--only="$$only"}

canary: $(GENERATED) ## random calls full of marked secrets by gRPC and REST, then a search for them everywhere: calls=60000 [seed=]
	@CANARY_CALLS=$${calls:-60000} CANARY_SEED="$$seed" exec vitest run test/canary

pack: $(GENERATED) ## npm tarballs of the packages that stand alone, in .data/packages
	@exec node scripts/pack.ts

new-service: $(GENERATED) ## a service that is whole by the rules here: name=inventory [resource=item] [plural=items]
	@exec node scripts/new-service.ts $${name:+--name="$$name"} $${resource:+--resource="$$resource"} $${plural:+--plural="$$plural"}

sbom: $(INSTALLED) ## what production is made of, by name, version and licence, in .data/sbom.json (CycloneDX)
	@mkdir -p .data
	@PATH="$(OUTSIDE)" $(PNPM) sbom --sbom-format cyclonedx --prod $(QUIET) > .data/sbom.json
	@node scripts/licences.ts

smoke: $(GENERATED) ## the platform in containers: kills some while orders are paid, again with mutual TLS (needs Docker)
	@exec node test/smoke/smoke.ts

images: ## each service as an image: tenon/<service>:local (needs Docker)
	@for service in $(IMAGES); do echo "tenon/$$service:local..." && docker build --quiet --build-arg SERVICE=$$service --tag tenon/$$service:local . || exit; done

kubernetes-secrets: $(GENERATED) ## development keys, passwords and certificates for deploy/kubernetes/local
	@exec node test/kubernetes/make-local-secrets.ts

kubernetes-smoke: $(GENERATED) ## the platform in the cluster of kubectl's context, after make images: keep=1 drain=35s
	@exec node test/kubernetes-smoke/kubernetes-smoke.ts $${keep:+--keep} $${drain:+--drain="$$drain"}

generate: $(INSTALLED) ## TypeScript from proto/ (happens by itself when proto/ changes)
	@rm -f $(GENERATED)
	@$(MAKE) --no-print-directory $(GENERATED)

format: $(INSTALLED) ## format TypeScript and .proto
	@biome check --write --linter-enabled=false .
	@buf format --write proto

lint: $(GENERATED) ## lint TypeScript and .proto
	@biome lint --error-on-warnings .
	@buf lint

types: $(GENERATED) $(BENCH) ## check types
	@tsc -p .

install: $(INSTALLED) $(BENCH) ## npm packages by the lockfile (happens by itself)

# What new-service needs: the lockfile follows the package.json files.
lockfile:
	@PATH="$(OUTSIDE)" $(PNPM) install $(QUIET) --no-frozen-lockfile --prefer-offline --filter '!@tenon/bench' >&2
	@touch $(INSTALLED)

# Progress goes to standard error, so that standard output is the program's alone.
$(INSTALLED): $(MANIFESTS)
	@command -v npx >/dev/null || { echo "npx is not on the path: install Node.js 20 or later" >&2; exit 1; }
	@if [ -e node_modules/.modules.yaml ]; then echo "Installing packages (they changed)..."; else \
	  echo "Installing packages (first start only, about half a minute)..."; fi >&2
	@PATH="$(OUTSIDE)" $(PNPM) install $(QUIET) --filter '!@tenon/bench' >&2
	@touch $@

# The other servers of the benches are two fifths of all packages, so they come when they are needed.
$(BENCH): $(INSTALLED)
	@PATH="$(OUTSIDE)" $(PNPM) install $(QUIET) --filter @tenon/bench >&2
	@touch $@

$(GENERATED): $(INSTALLED) $(CONTRACTS)
	@echo "Generating TypeScript from proto/..." >&2
	@node scripts/generate.ts >&2
	@touch $@
