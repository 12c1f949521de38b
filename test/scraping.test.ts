import { join } from "node:path";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { expect, test } from "vitest";
import { stringify } from "yaml";

test("each service is scraped on its admin port (--update writes it)", async () => {
  const scraping = {
    global: { scrape_interval: "15s", evaluation_interval: "15s" },
    rule_files: ["/etc/prometheus/alerts.yml"],
    scrape_configs: PLATFORM_SERVICES.map(({ name, port }) => ({
      job_name: name,
      dns_sd_configs: [{ names: [name], type: "A", port: port + 1000, refresh_interval: "15s" }],
      relabel_configs: [{ source_labels: ["job"], target_label: "service" }],
    })),
  };
  const text = `# Prometheus for the services of docker-compose.yml: every address that a name has is a replica.
# Made by test/scraping.test.ts: vitest run test/scraping.test.ts --update
${stringify(scraping)}`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, "../deploy/observability/prometheus.yml"));
});
