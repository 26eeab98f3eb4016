import { generateKeyPairSync, sign } from 'node:crypto';

/** For tests: a certificate for `host` that nobody but who is given it trusts, made here so that no key is kept. */
export function certificateFor(host: string): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(COMMON_NAME, tagged(0x0c, Buffer.from(host)))));
  const day = 24 * 60 * 60 * 1000;
  const alternativeName = tagged(0x04, sequence(tagged(0x82, Buffer.from(host))));
  const body = sequence(
    tagged(0xa0, integer(2)), // version 3
    integer(1),
    sequence(ECDSA_WITH_SHA256),
    name,
    sequence(time(Date.now() - day), time(Date.now() + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(sequence(SUBJECT_ALTERNATIVE_NAME, alternativeName))),
  );
  const signature = tagged(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const der = sequence(body, sequence(ECDSA_WITH_SHA256), signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** DER (X.690): a tag, the length, the content. */
function tagged(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...content: Buffer[]) => tagged(0x30, ...content);
const set = (...content: Buffer[]) => tagged(0x31, ...content);
const integer = (value: number) => tagged(0x02, Buffer.from([value]));
const time = (ms: number) =>
  tagged(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));

const COMMON_NAME = tagged(0x06, Buffer.from([0x55, 0x04, 0x03]));
const SUBJECT_ALTERNATIVE_NAME = tagged(0x06, Buffer.from([0x55, 0x1d, 0x11]));
const ECDSA_WITH_SHA256 = tagged(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
