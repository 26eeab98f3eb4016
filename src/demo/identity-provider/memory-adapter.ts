import type { Adapter, AdapterPayload } from 'oidc-provider';

/** Where a demo's or a test's provider keeps what it must, in this process: gone with it, and no bigger than a demo's. */
export function memoryAdapter(): (name: string) => Adapter {
  const kept = new Map<string, AdapterPayload>();
  return (name) => {
    const key = (id: string) => `${name} ${id}`;
    const where = (field: 'uid' | 'userCode', value: string) =>
      [...kept].find(([id, payload]) => id.startsWith(`${name} `) && payload[field] === value)?.[1];
    return {
      async upsert(id, payload) {
        kept.delete(key(id));
        kept.set(key(id), payload);
        if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
      },
      find: async (id) => kept.get(key(id)),
      findByUid: async (uid) => where('uid', uid),
      findByUserCode: async (code) => where('userCode', code),
      async consume(id) {
        const payload = kept.get(key(id));
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => void kept.delete(key(id)),
      async revokeByGrantId(grantId) {
        for (const [id, payload] of kept) if (payload.grantId === grantId) kept.delete(id);
      },
    };
  };
}

const KEPT_MAX = 2000;
