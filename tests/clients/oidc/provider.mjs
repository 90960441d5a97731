// An OpenID provider on 127.0.0.1. What it is told is JSON in PLATESTREAM_TEST_PROVIDER:
// {port, clients, keys, people: {name: claims}, thin}; with `thin` the id token has no claim of a person but `sub`.
import { Provider } from "oidc-provider";

const { port, clients, keys, people, thin } = JSON.parse(process.env.PLATESTREAM_TEST_PROVIDER);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys },
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: thin,
  cookies: { keys: ["for tests alone"] },
  pkce: { required: () => true },
  findAccount: (_context, name) => ({ accountId: name, claims: () => ({ sub: name, ...people[name] }) }),
});
provider.listen(port, "127.0.0.1", () => console.log("listening"));
