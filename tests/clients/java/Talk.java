// The JDBC driver of ClickHouse against an engine: `java -cp 'target/jars/*' Talk.java URL USER PASSWORD`.
// Prints `name=value` lines; tests/integration/test_engine_jdbc.py says what must be in them.
import java.sql.*;
import java.time.*;
import java.util.*;

public class Talk {
    static void told(String name, Object value) {
        System.out.println(name + "=" + value);
    }

    static Connection open(String[] at, String password, String... more) throws SQLException {
        Properties properties = new Properties();
        properties.put("user", at[1]);
        properties.put("password", password);
        for (int i = 0; i < more.length; i += 2) properties.put(more[i], more[i + 1]);
        return DriverManager.getConnection(at[0], properties);
    }

    static Object first(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getObject(1) : "none";
        }
    }

    static int failure(Connection connection, String sql) {
        try {
            first(connection, sql);
            return 0;
        } catch (SQLException error) {
            return error.getErrorCode();
        }
    }

    public static void main(String[] at) throws Exception {
        try (Connection connection = open(at, at[2])) {
            DatabaseMetaData about = connection.getMetaData();
            told("product", about.getDatabaseProductName());
            told("valid", connection.isValid(5));
            told("who", first(connection, "SELECT currentUser()"));
            try (Statement statement = connection.createStatement()) {
                statement.execute("CREATE OR REPLACE TABLE platestream.jdbc (n UInt64, at DateTime64(3, 'UTC'), s String, "
                    + "tags Array(String), maybe Nullable(Int32), d Decimal(9, 2)) ENGINE = MergeTree ORDER BY n");
                told("values", statement.executeUpdate("INSERT INTO platestream.jdbc (n, s) VALUES (1, 'it''s'), (2, 'b')"));
            }
            batch(connection);
            read(connection);
            try (ResultSet tables = about.getTables(null, "platestream", "jdbc", null)) {
                told("tables", tables.next() ? tables.getString("TABLE_NAME") : "none");
            }
            try (ResultSet columns = about.getColumns(null, "platestream", "jdbc", "%")) {
                int count = 0;
                while (columns.next()) count++;
                told("columns", count);
            }
            told("syntax", failure(connection, "SELECT FROM WHERE"));
            told("unknown", failure(connection, "SELECT * FROM platestream.nothing"));
            told("role", failure(connection, "SET ROLE platestream_owner"));
            told("rows", stream(connection));
            told("cancelled", cancel(connection));
        }
        try (Connection wrong = open(at, "wrong")) {
            told("password", failure(wrong, "SELECT 1"));
        } catch (SQLException error) {
            told("password", error.getErrorCode() + " " + error.getMessage());
        }
        try (Connection plain = open(at, at[2], "compress", "false", "decompress", "false")) {
            told("plain", first(plain, "SELECT count() FROM platestream.jdbc"));
        }
        try (Connection packed = open(at, at[2], "compress", "true", "decompress", "true")) {
            batch(packed);
            told("packed", first(packed, "SELECT count() FROM platestream.jdbc"));
            told("packed_error", failure(packed, "SELECT * FROM platestream.nothing"));
        }
    }

    static void batch(Connection connection) throws SQLException {
        String sql = "INSERT INTO platestream.jdbc (n, at, s, tags, maybe, d) VALUES (?, ?, ?, ?, ?, ?)";
        try (PreparedStatement insert = connection.prepareStatement(sql)) {
            for (int n = 10; n < 110; n++) {
                insert.setLong(1, n);
                insert.setObject(2, LocalDateTime.of(2026, 1, 1, 0, 0, 0, 123_000_000));
                insert.setString(3, "file('/etc/passwd') \\ " + n);
                insert.setArray(4, connection.createArrayOf("String", new String[] {"a", "b" + n}));
                if (n % 2 == 0) insert.setInt(5, n); else insert.setNull(5, Types.INTEGER);
                insert.setBigDecimal(6, new java.math.BigDecimal("12.34"));
                insert.addBatch();
            }
            told("batch", Arrays.stream(insert.executeBatch()).filter(count -> count >= 0 || count == -2).count());
        }
    }

    static void read(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT * FROM platestream.jdbc WHERE n = ? AND s LIKE ?")) {
            query.setLong(1, 11);
            query.setString(2, "file%");
            try (ResultSet row = query.executeQuery()) {
                row.next();
                told("row", row.getLong("n") + " " + row.getObject("at", LocalDateTime.class) + " " + row.getString("s")
                    + " " + Arrays.toString((Object[]) row.getArray("tags").getArray()) + " " + row.getObject("maybe")
                    + " " + row.getBigDecimal("d"));
            }
        }
    }

    static long stream(Connection connection) throws SQLException {
        long count = 0;
        try (Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("SELECT number, toString(number) FROM numbers(300000)")) {
            while (rows.next()) count++;
        }
        return count;
    }

    static long cancel(Connection connection) throws Exception {
        long started = System.currentTimeMillis();
        try (Statement statement = connection.createStatement()) {
            new Thread(() -> {
                try {
                    Thread.sleep(500);
                    statement.cancel();
                } catch (Exception ignored) {
                }
            }).start();
            statement.executeQuery("SELECT sum(sleepEachRow(0.1)) FROM numbers(100) SETTINGS max_block_size = 1");
        } catch (SQLException expected) {
            return System.currentTimeMillis() - started;
        }
        return -1;
    }
}
