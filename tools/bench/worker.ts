import { type ChildProcess, fork } from 'node:child_process';

/**
 * Starts `file` of this folder as a process of its own, sends it `order`, and resolves with its first message.
 * Rejects when it ends before it has said anything.
 */
export function startWorker<Answer>(file: string, order: object): Promise<{ process: ChildProcess; answer: Answer }> {
  const child = fork(new URL(file, import.meta.url), { serialization: 'advanced' });
  const answered = new Promise<{ process: ChildProcess; answer: Answer }>((resolve, reject) => {
    child.once('message', (answer) => resolve({ process: child, answer: answer as Answer }));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it answered`)));
    child.send(order);
  });
  // An order that can not be sent is never answered.
  answered.catch(() => child.kill());
  return answered;
}
