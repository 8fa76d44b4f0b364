import { permissionDenied, unauthenticated } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';

/** The step that lets only the method's roles in. No token where one is needed is UNAUTHENTICATED. */
export const authorize: Interceptor = (call, next) => {
  const { role } = call.caller;
  const { name, access } = call.method;
  if (access.roles.has(role)) return next(call);
  if (role === 'ANYONE') throw unauthenticated('TOKEN_MISSING', `${name} needs a token`);
  throw permissionDenied('ROLE_NOT_ALLOWED', `the role ${role.toLowerCase()} may not call ${name}`);
};
