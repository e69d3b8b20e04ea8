// What people write instead: prompts to a model's API, streamed, so many at a time by a pool of promises.
// `pool.mjs PORT COUNT AT_A_TIME`. Each answer is read to its end, its text and its usage are kept.
import http from 'node:http';

const [port, count, most] = process.argv.slice(2).map(Number);
const agent = new http.Agent({keepAlive: true, maxSockets: most});

function ask(prompt) {
  const body = JSON.stringify({model: 'claude-sonnet-4-5', max_tokens: 1000, stream: true, messages: [{role: 'user', content: prompt}]});
  return new Promise((resolve, reject) => {
    const request = http.request({host: '127.0.0.1', port, path: '/v1/messages', method: 'POST', agent,
      headers: {'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-api-key': 'sk-made-up',
                'anthropic-version': '2023-06-01'}}, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
      const answer = {text: '', output_tokens: 0, whole: false};
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines) {
          if (!line.startsWith('data:')) continue;
          const event = JSON.parse(line.slice(5));
          if (event.type === 'content_block_delta') answer.text += event.delta.text ?? '';
          if (event.type === 'message_delta') answer.output_tokens = event.usage?.output_tokens ?? 0;
          if (event.type === 'message_stop') answer.whole = true;
        }
      });
      response.on('end', () => answer.whole ? resolve(answer) : reject(new Error('the answer broke off')));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

const answers = new Array(count);
let at = 0;
async function work() {
  while (at < count) {
    const mine = at++;
    answers[mine] = await ask(`hello ${mine}`);
  }
}
await Promise.all(Array.from({length: Math.min(most, count)}, work));
agent.destroy();
if (answers.some((answer) => answer.text === '')) process.exit(1);
