// The official JavaScript client of ClickHouse against the address in PLATESTREAM_TEST_ENGINE (url, user and
// password as JSON). Prints one JSON object; tests/integration/test_engine_javascript.py says what must be in it.
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { createClient } from '@clickhouse/client'

const at = JSON.parse(process.env.PLATESTREAM_TEST_ENGINE)
const told = {}
const opened = (more = {}) => createClient({ url: at.url, username: at.user, password: at.password, ...more })
const rows = async (client, query, more = {}) =>
  (await client.query({ query, format: 'JSONEachRow', ...more })).json()
const failure = async (promise) => promise.then(() => null, (error) => ({ code: error.code, type: error.type }))

const client = opened()
told.ping = (await client.ping()).success
told.who = (await rows(client, 'SELECT currentUser() AS who'))[0].who
await client.command({
  query: "CREATE OR REPLACE TABLE platestream.js (id UUID, at DateTime64(3, 'UTC'), n UInt64, tags Array(String), " +
    'box Tuple(x UInt16, y UInt16), maybe Nullable(String)) ENGINE = MergeTree ORDER BY n',
})
const values = Array.from({ length: 1000 }, (_, n) => ({
  id: randomUUID(), at: '2026-01-01 00:00:00.123', n, tags: ['a', `b${n}`], box: { x: 1, y: 2 }, maybe: n % 2 ? null : "it's",
}))
told.inserted = (await client.insert({ table: 'platestream.js', values, format: 'JSONEachRow' })).summary.written_rows
const zipped = opened({ compression: { request: true, response: true } })
await zipped.insert({ table: 'platestream.js', values: values.map((v) => ({ ...v, n: v.n + 1000 })), format: 'JSONEachRow' })
await client.insert({
  table: 'platestream.js', columns: ['n'], format: 'CSV',
  values: Readable.from(['2000\n', '2001\n'], { objectMode: false }),
})
told.row = (await rows(zipped, 'SELECT at, n, tags, box, maybe FROM platestream.js WHERE n = {n:UInt64}',
  { query_params: { n: 1003 } }))[0]
told.parameters = (await rows(client, 'SELECT {a:Array(String)} AS a, {d:DateTime64(3)} AS d, {s:String} AS s',
  { query_params: { a: ["x'y", 'b'], d: new Date('2026-02-03T04:05:06.789Z'), s: 'tab\tline\nend' } }))[0]

let streamed = 0
const result = await zipped.query({ query: 'SELECT number AS n FROM numbers(300000)', format: 'JSONCompactEachRow' })
for await (const batch of result.stream()) streamed += batch.length
told.streamed = streamed
told.json = (await (await client.query({ query: 'SELECT n FROM platestream.js ORDER BY n LIMIT 2', format: 'JSON' })).json()).rows
told.text = await (await client.query({ query: 'SELECT 1, 2', format: 'CSV' })).text()

const session = opened({ session_id: randomUUID() })
await session.command({ query: 'SET max_block_size = 7' })
told.session = (await rows(session, "SELECT getSetting('max_block_size') AS size"))[0].size
told.setting = (await rows(client, "SELECT getSetting('max_threads') AS threads",
  { clickhouse_settings: { max_threads: 1 } }))[0].threads
const query_id = randomUUID()
told.query_id = (await client.query({ query: 'SELECT 1', query_id })).query_id === query_id

told.syntax = await failure(client.query({ query: 'SELEC 1' }))
told.unknown = await failure(client.query({ query: 'SELECT * FROM platestream.nothing' }))
told.password = await failure(rows(opened({ password: 'wrong' }), 'SELECT 1'))
told.outfile = await failure(client.command({ query: "SELECT 1 INTO OUTFILE '/tmp/x'" }))
const late = await client.query({ query: 'SELECT throwIf(number = 3000000) FROM numbers(4000000)', format: 'JSONEachRow' })
told.late = await (async () => { for await (const batch of late.stream()) batch.length })().then(() => null, (e) => String(e.code ?? e.message).slice(0, 40))

const stop = new AbortController()
const started = Date.now()
setTimeout(() => stop.abort(), 300)
await client.query({ query: 'SELECT sum(sleepEachRow(0.1)) FROM numbers(300) SETTINGS max_block_size = 1', abort_signal: stop.signal })
  .catch(() => {})
told.aborted_ms = Date.now() - started

await Promise.all([client, zipped, session].map((one) => one.close()))
console.log(JSON.stringify(told))
