// An identity server made of oidc-provider, with the password grant that it leaves to whoever wants one.
// Accounts and what was asked are in memory; GET /seen tells the last name and password as the server understood them.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [peers, port] = process.argv.slice(2);
const entry = join(peers, 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { default: Provider, errors } = await import(pathToFileURL(entry));

const accounts = new Map([['anna@example.com', 'Right-1-password']]);
const seen = [];

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: 'idferry', client_secret: 'a secret: with+signs &%', redirect_uris: [], response_types: [],
      grant_types: ['password'], token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: 'by basic', client_secret: 'a secret: with+signs &%', redirect_uris: [], response_types: [],
      grant_types: ['password'], token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

provider.registerGrantType('password', async (context) => {
  const { username, password, scope } = context.oidc.params;
  seen.push({
    username, password, scope,
    names: Object.keys(context.oidc.params).filter((name) => context.oidc.params[name] !== undefined).sort(),
    forwarded: context.get('x-forwarded-for'),
  });
  if (!accounts.has(username) || accounts.get(username) !== password) {
    throw new errors.InvalidGrant('invalid username or password');
  }
  const token = new provider.AccessToken({
    accountId: username, client: context.oidc.client, grantId: 'none', gty: 'password', scope: '',
  });
  context.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration };
}, ['username', 'password', 'scope']);

provider.use(async (context, next) => {
  if (context.path === '/seen') {
    context.body = { seen };
    return;
  }
  await next();
});

provider.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
