import type { JWK } from 'jose';

/**
 * A key for an assertion whose key is not known, so that checking it costs what checking a known one costs. Whoever
 * had its private half would still be nobody: a caller who is not registered is given nothing.
 */
export function decoyKey(alg: unknown, kid: string): JWK {
  return { ...(alg === 'ES384' ? EC : RSA), kid };
}

const EC: JWK = {
  kty: 'EC',
  crv: 'P-384',
  x: 'ufX-QluoKC_5gYoF3--c2zKIlx6ZvDO7uEmlTPn5g0cYypA8ZSR6Wam0iQgtL7Xx',
  y: '6fcEcEx2Bh1G75ErbpUXc9agi2MnHQ7lUI4gdod48qLKFPZCWBEvaWv4-BSvkFEH',
};

const RSA: JWK = {
  kty: 'RSA',
  e: 'AQAB',
  n:
    'uHZfM8IYqDNU0Ps6BMFkBrZR6lpiZL-i0KkTfgCWRcgvgLPyXzUNMgjsqWKlPeYWl6GKcO_VrmJAPtt_U0Av4W' +
    'FwFRcz3fiQeKPk6oTb9zTaD22IwPLuEOET-xoAZ3AGrhemjE2ZBPD_tfcegEz9CLAKSDTPva5U1PQuty7-lNqe' +
    '-GPHLfWKLkugIWfNupvAvWrrqIbLQQm3At9eYm6mt_N8lpltgf-GGMMJ6s0a-cs56u-xM9aeNNGnfNFB5kAxPw' +
    '1nZ3lIrK0zF8XYwLKkyBXsToxSB32f_eH0iXclzGbKBLjgpZEssRXMxQg--uDofd0YLohSWHIVKB-NU_MM8Q',
};
