/** Ctrl-C ends a long run after what is under way, so that the numbers it tells at its end are true. */
export function stopOnInterrupt(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => {
    console.error('\nStopping after what is under way. Press Ctrl-C again to stop at once.');
    stop.abort();
    process.once('SIGINT', () => process.exit(1));
  });
  return stop.signal;
}
