import { credentials, type Metadata, makeGenericClientConstructor, Metadata as NewMetadata } from '@grpc/grpc-js';

/** An answer as it came over the wire: the message's bytes, and the response headers that the service set. */
export type Answer = { bytes: Buffer; headers: Record<string, string> };

const pass = (bytes: Buffer) => bytes;
const RawClient = makeGenericClientConstructor({}, 'raw');

/** Makes each call once, one after the other, and answers what came. Rejects when one is refused. */
export async function sampleAnswers({
  address,
  path,
  token,
  requests,
}: {
  address: string;
  path: string;
  token: string | undefined;
  requests: Uint8Array[];
}): Promise<Answer[]> {
  const client = new RawClient(address, credentials.createInsecure());
  const metadata = new NewMetadata();
  if (token !== undefined) {
    metadata.set('authorization', `Bearer ${token}`);
  }
  const once = (request: Uint8Array) =>
    new Promise<Answer>((resolve, reject) => {
      let headers: Record<string, string> = {};
      const call = client.makeUnaryRequest(path, pass, pass, Buffer.from(request), metadata, (error, bytes) =>
        error ? reject(error) : resolve({ bytes: bytes!, headers }),
      );
      call.on('metadata', (received: Metadata) => {
        headers = serviceHeaders(received);
      });
    });
  try {
    const answers: Answer[] = [];
    for (const request of requests) {
      answers.push(await once(request));
    }
    return answers;
  } finally {
    client.close();
  }
}

/** The answer whose size is nearest to the mean of all: what the reference serves. */
export function typicalAnswer(answers: Answer[]): Answer {
  const mean = answers.reduce((sum, answer) => sum + answer.bytes.length, 0) / answers.length;
  const distance = (answer: Answer) => Math.abs(answer.bytes.length - mean);
  return answers.reduce((best, answer) => (distance(answer) < distance(best) ? answer : best));
}

function serviceHeaders(metadata: Metadata): Record<string, string> {
  const entries = Object.entries(metadata.getMap()).filter(([name]) => name.startsWith('realmkeep-'));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
