import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { distilSearchParameters } from './distil-search-parameters.ts';
import { distilStructure, isConcreteR4Resource } from './distil-structure.ts';
import { distilValueSets } from './distil-value-sets.ts';

/*
 * Run as a process of its own (`node distil.ts FROM TO`), so that 60 MB of JSON never enter the heap of the
 * server: reads the published R4 definitions in FROM, writes in TO only what the server asks for.
 */
const [from = '', to = ''] = process.argv.slice(2);

const read = (name: string) => JSON.parse(readFileSync(join(from, name), 'utf8'));
const resourcesOf = (name: string) => read(name).entry.map((entry: { resource: unknown }) => entry.resource);
const write = (name: string, value: unknown) => writeFileSync(join(to, name), JSON.stringify(value));

const isStructure = (resource: { resourceType: string }) => resource.resourceType === 'StructureDefinition';
const dataTypes: StructureDefinition[] = resourcesOf('profiles-types.json').filter(isStructure);
const published: StructureDefinition[] = resourcesOf('profiles-resources.json').filter(isStructure);
const resources = published.filter(isConcreteR4Resource);
const abstract = published.filter((sd) => sd.name === 'Resource' || sd.name === 'DomainResource');

mkdirSync(join(to, 'types'), { recursive: true });
for (const sd of resources) write(join('types', sd.type + '.json'), distilStructure(sd));
write('data-types.json', [...dataTypes, ...abstract].map(distilStructure));

const terminology = [
  ...resourcesOf('valuesets.json'),
  ...resourcesOf('v3-codesystems.json'),
  ...resourcesOf('v2-tables.json'),
];
const valueSets = distilValueSets([...dataTypes, ...resources], terminology);
write('value-sets.json', valueSets);

const searchParameters = resourcesOf('search-parameters.json');
write(
  'search-parameters.json',
  distilSearchParameters(searchParameters, [...dataTypes, ...resources], valueSets),
);

type CompartmentMember = { code: string; param?: string[] };
const members: CompartmentMember[] = read('compartmentdefinition-patient.json').resource;
write(
  'patient-compartment.json',
  members.filter((member) => member.param).map((member) => [member.code, member.param]),
);
