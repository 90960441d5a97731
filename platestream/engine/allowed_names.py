"""Names that a client of the engine may use.

Grants decide who reads which table; these rules keep access within the engine. chDB is made to be embedded:
it reads and writes files of this machine, runs Python and fetches addresses for any client. The lists name
what is allowed rather than what is known to be harmful, wherever the names are few.
"""

import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Table functions whose rows come from their arguments, or from a query that is checked with the rest.
TABLE_FUNCTIONS = frozenset(
    [
        "numbers",
        "numbers_mt",
        "zeros",
        "zeros_mt",
        "values",
        "sqlstandardvalues",
        "generateseries",
        "generate_series",
        "generaterandom",
        "null",
        "view",
        "format",
        "primes",
    ]
)
# Functions other than table functions that reach outside the engine, or show the work of other accounts.
FUNCTIONS = re.compile(
    r"file|filesystem\w*|ai[a-z_]*|logtrace|showcertificate|catboostevaluate|evalmlmethod|getclienthttpheader"
    r"|addresstoline\w*|addresstosymbol|currentrequesturl|eval|python|input|fuzzquery"
)
# Functions that return the account. chDB would answer `default` for all.
ACCOUNT_FUNCTIONS = frozenset(
    ["currentuser", "current_user", "user", "authenticateduser", "authuser", "session_user", "initialuser"]
)

# Tables of `system` about the engine and the data that the account may see, not about other accounts or this
# machine.
SYSTEM_TABLES = frozenset(
    [
        "one",
        "numbers",
        "numbers_mt",
        "zeros",
        "zeros_mt",
        "settings",
        "merge_tree_settings",
        "databases",
        "tables",
        "columns",
        "functions",
        "table_functions",
        "table_engines",
        "database_engines",
        "formats",
        "data_type_families",
        "time_zones",
        "collations",
        "keywords",
        "build_options",
        "contributors",
        "licenses",
        "current_roles",
        "enabled_roles",
        "parts",
        "parts_columns",
        "projections",
        "data_skipping_indices",
        "data_skipping_index_types",
        "constraints",
        "dictionaries",
        "macros",
        "clusters",
        "view_refreshes",
        "completions",
        "documentation",
        "tokenizers",
        "codecs",
        "unicode",
        "query_log",
    ]
)

# None that reads a table which a string names, as Buffer does: the log of statements would not see it.
TABLE_ENGINES = re.compile(
    r"\w*MergeTree|Memory|Null|View|MaterializedView|Join|Set|Log|TinyLog|StripeLog|Atomic"
)

# Settings by name and by prefix. Not included: files, addresses, expressions, languages, `profile`, `role`,
# `log_comment` (it identifies the account) and the query cache (one for all accounts).
_SETTINGS = _names(
    """
    readonly final limit offset extremes session_timezone use_client_time_zone mutations_sync alter_sync
    materialize_ttl_after_modify
    lightweight_deletes_sync async_insert allow_ddl flatten_nested transform_null_in load_balancing
    priority enable_http_compression enable_analyzer exact_rows_before_limit
    result_overflow_mode timeout_before_checking_execution_speed connect_timeout send_timeout receive_timeout
    http_send_timeout http_receive_timeout http_connection_timeout network_compression_method
    use_skip_indexes use_uncompressed_cache use_index_for_in_with_subqueries use_query_condition_cache
    any_join_distinct_right_table_keys
    """
)
_BEGIN = _names(
    """
    max_ min_ join_ optimize_ query_plan_ date_time_ output_format_ input_format_ format_csv_
    format_tsv_ format_json_ format_binary_ format_custom_ format_regexp format_display_ insert_
    async_insert_ wait_for_ union_ distinct_ group_by_ aggregation_ parallel_ deduplicate_
    materialized_views_ text_index_ cast_ count_distinct_ decimal_ do_not_merge_ empty_result_ force_
    interval_ prefer_ rows_before_ schema_inference_ short_circuit_ totals_ apply_ allow_suspicious_
    allow_experimental_json allow_experimental_variant allow_experimental_dynamic
    allow_experimental_time allow_experimental_geo
    """
)
# Settings with these prefixes that name files, templates and addresses, or evaluate data.
_NEVER = re.compile(r".*(_path|_url|_schema|_template\w*|_credentials)|input_format_(record|values)_\w+")
# Settings of MergeTree tables, in CREATE and ALTER, that would store data elsewhere.
STORAGE_SETTINGS = frozenset(("disk", "storage_policy", "table_disk", "refresh_statistics_interval"))


def setting_allowed(name: str) -> bool:
    """Return whether a client may set `name` for a query or session."""
    known = name in _SETTINGS or name.startswith(tuple(_BEGIN))
    return known and name.isidentifier() and not _NEVER.fullmatch(name)
