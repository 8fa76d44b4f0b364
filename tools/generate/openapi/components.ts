import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { commentOf } from './comment.ts';
import { fieldSchema, isAlwaysPrinted, messagesIn } from './fields.ts';
import type { RestCall } from './rest.ts';
import { isOneofRequired, isRequired, sentencesOf } from './rules.ts';
import { ref, type Schema } from './schema.ts';
import { wellKnownSchema } from './well-known.ts';

/** The schemas of the messages and enums that REST calls are made of. */
export type Components = {
  /** A reference to the schema of a message or enum; the whole schema when it has a JSON form of its own. */
  of(type: DescMessage | DescEnum): Schema;
  /** The schema of a request's body: its message without the fields that are in the path. */
  body(body: NonNullable<RestCall['body']>): Schema;
  /** Every schema that was referred to, by name. */
  schemas(): Record<string, Schema>;
};

/** Collects the schemas of these calls. A message that is in a request says what a request must have. */
export function createComponents(calls: readonly RestCall[]): Components {
  const inRequests = new Set(calls.flatMap(({ rpc }) => [...messagesIn(rpc.method.input)]));
  const inAnswers = new Set(calls.flatMap(({ rpc }) => [...messagesIn(rpc.method.output)]));
  const nameOf = createNames([...inRequests, ...inAnswers]);
  const schemas = new Map<string, Schema>();

  function of(type: DescMessage | DescEnum): Schema {
    if (type.kind === 'enum') return component(nameOf(type), () => enumSchema(type));
    return wellKnownSchema(type) ?? component(nameOf(type), () => messageSchema(type, type.fields));
  }

  // Named before its fields are looked at, since messages may hold themselves.
  function component(name: string, make: () => Schema): Schema {
    if (!schemas.has(name)) {
      schemas.set(name, {});
      schemas.set(name, make());
    }
    return ref('schemas', name);
  }

  function messageSchema(message: DescMessage, fields: readonly DescField[]): Schema {
    const required = fields.filter(inRequests.has(message) ? isRequired : isAlwaysPrinted).map(({ name }) => name);
    const choice = message.oneofs.find(isOneofRequired);
    const choices = message.oneofs.map(
      (oneof) =>
        `${oneof === choice ? 'Exactly' : 'At most'} one of ${oneof.fields.map(({ name }) => `\`${name}\``).join(', ')}.`,
    );
    return {
      type: 'object',
      description: [commentOf(message), ...sentencesOf(message), ...choices].join(' '),
      properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field, of)])),
      ...(required.length > 0 && { required }),
      ...(choice && { oneOf: choice.fields.map(({ name }) => ({ title: name, required: [name] })) }),
    };
  }

  return {
    of,
    body: ({ message, fields }) => component(nameOf(message), () => messageSchema(message, fields)),
    schemas: () => Object.fromEntries([...schemas].sort(([a], [b]) => a.localeCompare(b, 'en'))),
  };
}

function enumSchema(type: DescEnum): Schema {
  const values = type.values.map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: 'string',
    enum: type.values.map(({ name }) => name),
    description: [commentOf(type), '', ...values].join('\n'),
  };
}

/** Names types by their own name, `PlayerState`, or where two services have one of that name, `area_stats.Heartbeat`. */
function createNames(messages: DescMessage[]): (type: DescMessage | DescEnum) => string {
  const types = new Set(
    messages.flatMap((message) => [message, ...message.fields.flatMap((field) => field.enum ?? [])]),
  );
  const short = ({ typeName, file }: DescMessage | DescEnum) => typeName.slice(file.proto.package.length + 1);
  const counts = Map.groupBy(types, short);
  return (type) => {
    const name = short(type);
    return (counts.get(name)?.length ?? 0) > 1 ? `${type.file.proto.package.split('.').at(-2)}.${name}` : name;
  };
}
