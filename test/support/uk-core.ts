import { readdirSync, readFileSync } from 'node:fs';

export interface Example {
  name: string;
  resource: { resourceType: string; [key: string]: unknown };
}

/** HL7 UK Core's published examples, which lie beside the project. A missing folder fails whoever asks. */
export function ukCoreExamples(): Example[] {
  const folder = new URL('../../../shared/data/uk-core/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, resource: JSON.parse(readFileSync(new URL(name, folder), 'utf8')) }));
}

/** The examples and every resource within their bundles. */
export function ukCoreResources(): Example[] {
  return ukCoreExamples().flatMap((example) => {
    const entries = (example.resource.entry ?? []) as { resource?: Example['resource'] }[];
    const inner = entries.flatMap(({ resource }) => (resource ? [{ name: example.name, resource }] : []));
    return [example, ...inner];
  });
}
