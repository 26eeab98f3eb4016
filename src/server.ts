import { ConfigError, loadConfig } from './config.ts';
import { StartError } from './database/start-error.ts';
import { createLog } from './log.ts';
import { stopOnSignals } from './shutdown.ts';
import { startServer } from './start-server.ts';

try {
  const config = loadConfig(process.env);
  const log = createLog(config);
  const starting = startServer(config, log);
  // From the first moment, so that whoever stops a start half-way leaves no database running.
  stopOnSignals(async () => (await starting).stop(), log);
  const server = await starting;
  console.log(
    `Connected Systems is at ${server.baseUrl}${server.demo ? ` - demo accounts: ${server.demo}` : ''}`,
  );
} catch (error) {
  const explained = error instanceof ConfigError || error instanceof StartError;
  console.error(explained ? error.message : error);
  process.exitCode = 1;
}
