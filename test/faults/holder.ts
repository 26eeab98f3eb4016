/** Opens the database of DATA_DIR, says so, runs each line of its input as a statement, and stays. */
import { createInterface } from 'node:readline';
import pino from 'pino';
import { loadConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/database/connect.ts';
import { stopOnSignals } from '../../src/shutdown.ts';

const log = pino({ level: 'warn' });
try {
  const database = await openDatabase(loadConfig(process.env), log);
  stopOnSignals(database.stop, log);
  console.log(`open at ${database.connection.host}`);
  createInterface({ input: process.stdin }).on('line', async (statement) => {
    const { rowCount } = await database.owner.query(statement);
    console.log(`done ${rowCount}: ${statement}`);
  });
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
  process.exit(1);
}
