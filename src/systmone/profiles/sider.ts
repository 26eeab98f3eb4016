import { decrypt, encrypt } from './aes-cbc.ts';
import { contextualLaunch, inspectPairs, writePairs } from './contextual-launch.ts';
import { ENCODINGS } from './encodings.ts';
import { keyOfPassphrase } from './passphrase-key.ts';
import { readQuery } from './read-query.ts';
import type { FieldReport, Problem, Profile } from './types.ts';

/** SIDeR's query string obfuscation: the pairs of a contextual launch as `enc=<key name>|<hex>`. */
export function sider({ keyName, passphrase }: { keyName: string; passphrase: string }): Profile {
  const key = keyOfPassphrase(passphrase);
  return {
    prefix: `enc=${keyName}|`,
    // Written as one: what stands in the link is the encryption of all of them together.
    parts: contextualLaunch().parts.flatMap((part) =>
      part.kind === 'field' ? [{ ...part, encrypted: true }] : [],
    ),
    encode: (fields) => `enc=${keyName}|${ENCODINGS.hex.write(encrypt(key, writePairs(fields)))}`,
    inspect(query) {
      const outer = readQuery(query) ?? [];
      const enc = outer.find(({ name }) => name === 'enc');
      const cut = enc?.value.indexOf('|') ?? -1;
      const bytes = ENCODINGS.hex.read(enc?.value.slice(cut + 1) ?? '');
      const { text, padded, whole } = decrypt(key, bytes);
      const printable = /^[\x20-\x7e]*$/.test(text);
      const inner = readQuery(printable ? text : '') ?? [];
      const clear = outer.filter((pair) => pair !== enc);
      const problem: Problem | null = !enc
        ? 'missing'
        : !enc.wellFormed
          ? 'percent-encoding'
          : enc.value.slice(0, Math.max(0, cut)) !== keyName
            ? 'key-name'
            : bytes === null
              ? 'encoding'
              : !whole
                ? 'length'
                : !padded
                  ? 'padding'
                  : !printable
                    ? 'shape'
                    : allowedOutside(outer.map(({ name }) => name))
                      ? null
                      : 'out-of-order';
      // Only who holds the passphrase chooses the order inside; whose patient it is must be inside.
      const outside = new Set(clear.filter(({ name }) => name === 'patient' || name === 'birthdate'));
      const { fields, reports } = inspectPairs([...clear, ...inner], outside);
      const own: FieldReport = {
        parameter: 'enc',
        field: null,
        sent: enc?.raw ?? null,
        value: problem ? null : `${inner.length} parameters`,
        problem,
      };
      return { fields: problem === null ? fields : null, reports: [own, ...reports] };
    },
  };
}

/** Everything inside, or as hospitals send it: location and practitioner before it in clear. */
const allowedOutside = (names: string[]) => ['enc', 'location,practitioner,enc'].includes(names.join(','));
