import { permissionDenied } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';

/** The step that holds a PLAYER to its own data: the method's subject field must name it, in letters of any case. */
export const holdToOwnData: Interceptor = (call, next) => {
  const { subjectField } = call.method.access;
  if (subjectField && call.caller.role === 'PLAYER') {
    const named = (call.request as Record<string, unknown> | undefined)?.[subjectField.localName];
    if (typeof named !== 'string' || named.toLowerCase() !== call.caller.subject.toLowerCase()) {
      throw permissionDenied('NOT_YOUR_DATA', `${subjectField.name} must be your own`);
    }
  }
  return next(call);
};
