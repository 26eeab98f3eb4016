import { ConfigError, loadConfig } from './config.ts';
import { StartError } from './database/start-error.ts';
import { createLog } from './log.ts';
import { stopOnSignals } from './shutdown.ts';
import { startServer } from './start-server.ts';

try {
  const config = loadConfig(process.env);
  const log = createLog(config);
  const server = await startServer(config, log);
  stopOnSignals(server.stop, log);
  console.log(
    `Connected Systems is at ${server.baseUrl}${server.demo ? ` - demo accounts: ${server.demo}` : ''}`,
  );
} catch (error) {
  const explained = error instanceof ConfigError || error instanceof StartError;
  console.error(explained ? error.message : error);
  process.exitCode = 1;
}
