#include "base/html.h"

#include <gtest/gtest.h>

namespace tessy {
namespace {

TEST(HtmlTest, WhatCouldEndATextOrAnAttributeIsEscaped) {
  EXPECT_EQ(EscapeHtml(R"(<b title="it's">&amp;</b>)"),
            "&lt;b title=&quot;it&#39;s&quot;&gt;&amp;amp;&lt;/b&gt;");
  EXPECT_EQ(EscapeHtml("a + b ≠ ü"), "a + b ≠ ü");
}

}  // namespace
}  // namespace tessy
