#include "dataset/tables/column_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace tessy {
namespace {

using testing::HasSubstr;

ColumnTypes TypesOf(std::initializer_list<const char*> rows) {
  ColumnTypes types;
  for (const char* row : rows) {
    const auto status = types.Add(row);
    EXPECT_TRUE(status) << row << ": " << status.error().message;
  }
  return types;
}

std::string SqlOf(std::initializer_list<const char*> rows) { return TypesOf(rows).Sql(); }

std::string ErrorOf(std::initializer_list<const char*> rows) {
  ColumnTypes types;
  for (const char* row : rows) {
    if (const auto status = types.Add(row); !status) return status.error().message;
  }
  return "";
}

TEST(ColumnTypesTest, ValuesOfOneKindAreColumnsInTheOrderOfTheRows) {
  EXPECT_EQ(SqlOf({R"({"t":"x","i":-1,"r":0.5,"b":true,"n":null})", R"({"more":1,"t":null,"n":null})"}),
            "{'t': 'VARCHAR', 'i': 'BIGINT', 'r': 'DOUBLE', 'b': 'BOOLEAN', 'n': 'VARCHAR', 'more': "
            "'BIGINT'}");
}

TEST(ColumnTypesTest, ListsAndObjectsKeepTheirShape) {
  EXPECT_EQ(SqlOf({R"({"m":[{"role":"user"}],"h":[["a"]],"e":[]})",
                   R"({"m":[{"role":"assistant","loss":false}],"e":[null]})"}),
            "{'m': 'STRUCT(\"role\" VARCHAR, \"loss\" BOOLEAN)[]', 'h': 'VARCHAR[][]', 'e': 'VARCHAR[]'}");
}

TEST(ColumnTypesTest, WhatHasNoOneKindIsJson) {
  for (const auto& rows : {std::initializer_list<const char*>{R"({"a":1})", R"({"a":"x"})"},
                           {R"({"a":"x"})", R"({"a":["x"]})"},
                           {R"({"a":{"b":1}})", R"({"a":[{"b":1}]})"},
                           {R"({"a":{}})"},
                           {R"({"a":{"":1}})"},
                           {R"({"a":{"b":1,"B":2}})"},
                           {R"({"a":{"b":1,"b":{"c":2}}})"},
                           {R"({"a":{"b":1}})", R"({"a":{"B":1}})"}}) {
    EXPECT_EQ(SqlOf(rows), "{'a': 'JSON'}") << *rows.begin();
  }
  EXPECT_EQ(SqlOf({R"({"a":{"b":1,"B":{"c":[1,{"d":2}]}},"z":1})"}), "{'a': 'JSON', 'z': 'BIGINT'}");
  EXPECT_EQ(SqlOf({R"({"a":[{"b":1},{"b":"x"}]})"}), "{'a': 'STRUCT(\"b\" JSON)[]'}");
}

TEST(ColumnTypesTest, NoNumberIsRounded) {
  EXPECT_EQ(SqlOf({R"({"a":1})", R"({"a":0.5})"}), "{'a': 'DOUBLE'}");
  EXPECT_EQ(SqlOf({R"({"a":9007199254740993})", R"({"a":0.5})"}), "{'a': 'JSON'}");
  EXPECT_EQ(SqlOf({R"({"a":18446744073709551615})", R"({"a":1})"}), "{'a': 'UBIGINT'}");
  EXPECT_EQ(SqlOf({R"({"a":18446744073709551615})", R"({"a":-1})"}), "{'a': 'JSON'}");
  EXPECT_EQ(SqlOf({R"({"a":123456789012345678901234567890})"}), "{'a': 'JSON'}");
  EXPECT_EQ(SqlOf({R"({"a":-9223372036854775808})"}), "{'a': 'BIGINT'}");
}

// Objects that are used as dictionaries would be a column for each word.
TEST(ColumnTypesTest, ObjectsOfManyFieldsAndDeepOnesAreJson) {
  std::string wide = "{\"a\":{";
  for (int i = 0; i < 101; ++i) wide += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  EXPECT_EQ(SqlOf({(wide + "}}").c_str()}), "{'a': 'JSON'}");
  const std::string deep = "{\"a\":" + std::string(150, '[') + "1" + std::string(150, ']') + "}";
  EXPECT_THAT(SqlOf({deep.c_str()}), HasSubstr("'JSON[]"));
  ColumnTypes types;
  for (int i = 0; i < 20'000; ++i) {
    std::string row = "{\"a\":{";
    for (int k = 0; k < 4; ++k) row += "\"" + std::to_string(k) + "\":{";
    row += "\"x" + std::to_string(i) + "\":1}}}}}}";
    ASSERT_TRUE(types.Add(row)) << row;
  }
  EXPECT_LT(types.Sql().size(), 20'000U);
}

TEST(ColumnTypesTest, RowsThatCannotBeColumnsAreErrors) {
  EXPECT_THAT(ErrorOf({"[1]"}), HasSubstr("is no JSON object"));
  EXPECT_THAT(ErrorOf({"7"}), HasSubstr("is no JSON object"));
  EXPECT_THAT(ErrorOf({"{\"a\":"}), HasSubstr("is no JSON: "));
  EXPECT_THAT(ErrorOf({R"({"id":1})", R"({"ID":1})"}), HasSubstr("has the fields id and ID"));
  EXPECT_THAT(ErrorOf({R"({"a":1,"a":1})"}), HasSubstr("has the fields a and a"));
  EXPECT_THAT(ErrorOf({R"({"":1})"}), HasSubstr("has a field without a name"));
  EXPECT_THAT(ErrorOf({R"({"a\u0000b":1})"}), HasSubstr("has a field with a NUL character in its name"));
  EXPECT_EQ(SqlOf({R"({"a":{"b\u0000":1}})"}), "{'a': 'JSON'}");
  EXPECT_EQ(SqlOf({"{}"}), "");
}

TEST(ColumnTypesTest, GroupsAreAsLargeAsTheirLongestStretchOfRowsAllows) {
  const auto row = [](size_t bytes) { return R"({"a":")" + std::string(bytes - 8, 'x') + "\"}"; };
  ColumnTypes types;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(types.Add(row(20)));
  EXPECT_EQ(types.rows_in_group(), 1U << 17);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(types.Add(row(1 << 20)));
  EXPECT_EQ(types.rows_in_group(), 32U);  // blocks of 32 rows of 1 MiB
  EXPECT_EQ(types.longest_row(), 1U << 20);
  ASSERT_TRUE(types.Add(row(33 << 20)));
  EXPECT_EQ(types.rows_in_group(), 1U);
}

}  // namespace
}  // namespace tessy
