// Bolt for JavaScript that only acks. node bolt.js PORT|socket   env SLACK_URL, SIGNING_SECRET; NODE_PATH finds @slack/bolt
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');
const where = process.argv[2];
const options = { token: 'xoxb-1', logLevel: LogLevel.ERROR, clientOptions: { slackApiUrl: process.env.SLACK_URL } };
if (where === 'socket') Object.assign(options, { socketMode: true, appToken: 'xapp-1' });
else options.receiver = new HTTPReceiver({ signingSecret: process.env.SIGNING_SECRET, endpoints: ['/slack/events'], logLevel: LogLevel.ERROR });
const app = new App(options);
app.command('/build', async ({ ack }) => { await ack(); });
app.action('build.open', async ({ ack }) => { await ack(); });
if (where === 'socket') app.start(); else app.start({ port: Number(where), host: '127.0.0.1' });
