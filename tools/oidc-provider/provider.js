// An identity provider for tests: `node provider.js MODULES CONFIG`. MODULES is a folder with node_modules, CONFIG a JSON file of
// {port, clients, users, seconds}: clients as the library has them, users by login with their claims, and how long id tokens last. Port 0 is a
// free one, which it prints. Keys are made at each start. Its own forms ask for a login and take any password.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [modules, file] = process.argv.slice(2);
const library = createRequire(`${modules}/`).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(library));
const { port: wanted, clients, users, seconds } = JSON.parse(readFileSync(file, 'utf8'));

const server = createServer().listen(wanted, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();

const key = (kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  use: 'sig',
  kid: randomBytes(8).toString('hex'),
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys: [key('rsa', { modulusLength: 2048 }), key('ec', { namedCurve: 'P-256' }), key('ed25519', {})] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] },
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
  // Claims of the scopes in the id token, as most providers do.
  conformIdTokenClaims: false,
  issueRefreshToken: async (_, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  features: { devInteractions: { enabled: true } },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  ttl: { IdToken: seconds, AccessToken: 600, AuthorizationCode: 60, Grant: 600, Interaction: 600, Session: 600, RefreshToken: 600 },
  findAccount: (_, login) => users[login] && { accountId: login, claims: () => ({ sub: login, ...users[login] }) },
});
server.on('request', provider.callback());
console.log(`listening on ${port};`);
