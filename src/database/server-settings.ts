import { totalmem } from 'node:os';

const MB = 1024 * 1024;

/**
 * What a PostgreSQL of our own is started with.
 * @param memoryBytes of the machine, or of the container that this runs in
 */
export function serverSettings(memoryBytes = memoryHere()): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_permissions: '0700',
    max_connections: '60',
    // A commit that was answered is on disk. Said here so that no edited file in the data folder can say otherwise.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: `${sharedBuffersMb(memoryBytes)}MB`,
    max_wal_size: '1GB',
    checkpoint_completion_target: '0.9',
    // The statements are small and planned once; compiling them costs more than it saves.
    jit: 'off',
    random_page_cost: '1.1',
    // Its log must not repeat what people wrote or asked for: no statements, no errors, no values.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  };
}

/**
 * Ids are random, so writing touches pages all over the indexes: with too little room for them each write waits for
 * another page to be written out. Memory is taken as pages are used.
 */
function sharedBuffersMb(memoryBytes: number): number {
  return Math.round(Math.min(1024, Math.max(128, memoryBytes / MB / 16)));
}

function memoryHere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
