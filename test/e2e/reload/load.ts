import { once } from 'node:events';
import { Agent, request } from 'node:http';

/** Users who each send one event after the other, on a connection of their own. */
export interface Load {
  /** The acknowledged messageIds of each user, in order. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>;
  /** How many events are acknowledged. */
  count(): number;
  /** Answers other than 200, and errors of connections. */
  readonly faults: readonly string[];
  /** How many connections were opened. */
  connections(): number;
  /** Stops to send, after the answers to come. */
  end(): Promise<void>;
}

/** Begins to send to `url`, signed by the secret that `secret` returns for each event. */
export function startLoad(url: string, users: number, secret: () => string): Load {
  const acknowledged = new Map<string, string[]>();
  const faults: string[] = [];
  let opened = 0;
  let isOver = false;

  const run = async (user: string): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const acks: string[] = [];
    acknowledged.set(user, acks);
    for (let at = 0; !isOver; at++) {
      const messageId = `${user}-${at}`;
      try {
        const status = await send(agent, messageId, user);
        if (status === 200) acks.push(messageId);
        else faults.push(`${messageId}: ${status}`);
      } catch (error) {
        faults.push(`${messageId}: ${String(error)}`);
      }
    }
    agent.destroy();
  };

  const send = async (agent: Agent, messageId: string, userId: string): Promise<number> => {
    const sent = request(url, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'x-signature': secret() },
    });
    sent.once('socket', () => {
      if (!sent.reusedSocket) opened += 1;
    });
    sent.end(JSON.stringify({ type: 'track', event: 'E', messageId, userId }));
    const [answer] = await once(sent, 'response');
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  };

  const names = Array.from({ length: users }, (_, index) => `user${index}`);
  const running = names.map(run);
  return {
    acknowledged,
    count: () => [...acknowledged.values()].reduce((sum, { length }) => sum + length, 0),
    faults,
    connections: () => opened,
    async end() {
      isOver = true;
      await Promise.all(running);
    },
  };
}
