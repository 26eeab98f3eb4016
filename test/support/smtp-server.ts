import { type AddressInfo, createServer } from 'node:net';

type Received = { from: string; to: string[]; data: string };

/** A mail server for tests (RFC 5321, the little that is needed): keeps what it is given, or answers as told. */
export async function smtpServer() {
  const received: Received[] = [];
  const answers = { rcpt: '250 OK' };
  const server = createServer((socket) => {
    let message: Received = { from: '', to: [], data: '' };
    let inData = false;
    let rest = '';
    const say = (line: string) => socket.write(`${line}\r\n`);
    socket.on('error', () => undefined);
    say('220 test');
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) take(line);
    });
    function take(line: string) {
      if (inData && line === '.') {
        inData = false;
        received.push(message);
        message = { from: '', to: [], data: '' };
        return say('250 kept');
      }
      if (inData) {
        message.data += `${line}\n`;
        return;
      }
      if (/^MAIL FROM/i.test(line)) message.from = line;
      if (/^RCPT TO/i.test(line)) {
        if (answers.rcpt.startsWith('250')) message.to.push(/<(.*)>/.exec(line)![1]!);
        return say(answers.rcpt);
      }
      if (/^DATA/i.test(line)) {
        inData = true;
        return say('354 go on');
      }
      say(/^QUIT/i.test(line) ? '221 bye' : '250 OK');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answers,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
