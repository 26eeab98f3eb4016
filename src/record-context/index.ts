export {
  createRecordContexts,
  type RecordContext,
  type RecordContexts,
  recordPath,
  type Section,
} from './record-contexts.ts';
