import { type Issue, issue } from './issue.ts';

/**
 * Three invariants whose published form compares all pairs: bdl-7 (Bundle.entry.fullUrl), que-2 (linkId) and csd-1
 * (codes of a code system). Held with a set, so that the time grows with the size and no faster.
 */
export function checkUniqueness(resource: Record<string, unknown>, type: string): Issue[] {
  const rule = RULES[type];
  if (!rule) return [];
  const seen = new Set<string>();
  for (const value of rule.values(resource)) {
    if (seen.has(value)) return [issue('invariant', type, rule.text)];
    seen.add(value);
  }
  return [];
}

type Tree = Record<string, unknown>;

const RULES: Record<string, { values: (resource: Tree) => Iterable<string>; text: string }> = {
  Bundle: {
    values: fullUrls,
    text: 'bdl-7: fullUrl must be unique in a bundle, or else meta.versionId must differ',
  },
  Questionnaire: {
    values: (resource) => texts(resource, 'item', 'linkId'),
    text: 'que-2: the link ids for groups and questions must be unique within the questionnaire',
  },
  CodeSystem: {
    values: (resource) => texts(resource, 'concept', 'code'),
    text: 'csd-1: within a code system, all the codes must be unique',
  },
};

function* fullUrls(bundle: Tree): Iterable<string> {
  if (bundle.type === 'history') return;
  for (const entry of children(bundle, 'entry')) {
    const meta = (entry.resource as Tree | undefined)?.meta as Tree | undefined;
    if (entry.fullUrl !== undefined) yield JSON.stringify([entry.fullUrl, meta?.versionId]);
  }
}

/** Goes through a tree of like elements without recursion, which a deep tree would exhaust. */
function* texts(root: Tree, branch: string, key: string): Iterable<string> {
  const pending = children(root, branch);
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (typeof next[key] === 'string') yield next[key];
    pending.push(...children(next, branch));
  }
}

const children = (parent: Tree, key: string): Tree[] => [...((parent[key] as Tree[] | undefined) ?? [])];
