#include "server/admin/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/node/sample_facts.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusPage, TellsAPersonHowTheNodeIs) {
  const std::string page = RenderStatusPage(SampleFacts());

  EXPECT_THAT(page, HasSubstr(">serving<"));
  EXPECT_THAT(page, HasSubstr("up 1h2m3s"));
  EXPECT_THAT(page, HasSubstr("width:50.0%"));
  EXPECT_THAT(page, HasSubstr("512 MiB of 1.00 GiB"));
  EXPECT_THAT(page, HasSubstr("90.0 %")) << "hit ratio of a category";
  EXPECT_THAT(page, HasSubstr("never_seen"));
  EXPECT_THAT(page, HasSubstr("4 held"));
  EXPECT_THAT(page, HasSubstr("3, 48.0 MiB")) << "leases of shared memory";
  EXPECT_THAT(page, HasSubstr("5 / 6 / 0")) << "clients turned away";
  EXPECT_THAT(page, HasSubstr("level: info  # default"));
}

TEST(StatusPage, TellsWhatTheModelKnowsAndWhatCouldHaveBeenHit) {
  const std::string page = RenderStatusPage(SampleFacts());

  EXPECT_THAT(page,
              HasSubstr("The model is <b>serving</b>: 1,234 reuses observed, fitted 12s ago"));
  EXPECT_THAT(page, HasSubstr("37.5 %")) << "reuse probability";
  EXPECT_THAT(page, HasSubstr("1m30s")) << "half-life";
  EXPECT_THAT(page, HasSubstr("hit by the offline optimum of 777 blocks"));
  EXPECT_THAT(page, HasSubstr("80.0 %")) << "of a cache without a limit";
  EXPECT_THAT(page, HasSubstr("5,000 blocks in 10m; 1,250 of them sampled"));
  EXPECT_LT(page.rfind("api &quot;x&quot;"), page.rfind(">chat<")) << "more requests come first";
}

TEST(StatusPage, ShowsTheLimitsOfNamespacesWhereThereAreSome) {
  NodeFacts facts = SampleFacts();
  EXPECT_THAT(RenderStatusPage(facts), Not(HasSubstr("Limits of namespaces")));
  facts.store.namespace_limits = {
      {.name = "gold", .used_bytes = 3 << 20, .min_bytes = 2 << 20, .max_bytes = 0}};

  const std::string page = RenderStatusPage(facts);

  EXPECT_THAT(page, HasSubstr("Limits of namespaces"));
  EXPECT_THAT(page, HasSubstr("gold"));
  EXPECT_THAT(page, HasSubstr("2.00 MiB"));
}

TEST(StatusPage, ShowsTheWriteBudgetWhereThereIsOne) {
  NodeFacts facts = SampleFacts();
  EXPECT_THAT(RenderStatusPage(facts), Not(HasSubstr("Write budget")));
  facts.store.admission = SampleWriteBudget();

  const std::string page = RenderStatusPage(facts);

  EXPECT_THAT(page, HasSubstr("Write budget"));
  EXPECT_THAT(page, HasSubstr("1.00 TiB"));
  EXPECT_THAT(page, HasSubstr("300 MiB")) << "available";
  EXPECT_THAT(page, HasSubstr("428 MiB / 5.00 GiB")) << "written in the last minute and day";
  EXPECT_THAT(page, HasSubstr("1,234 / 567")) << "blocks admitted and refused";
}

TEST(StatusPage, FetchesNothingAndRunsNothing) {
  const std::string page = RenderStatusPage(SampleFacts());

  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST(StatusPage, EscapesWhatComesFromOutside) {
  NodeFacts facts = SampleFacts();
  facts.ssd_directory = "/data<script>alert(1)</script>";

  const std::string page = RenderStatusPage(facts);

  EXPECT_THAT(page, HasSubstr("api &quot;x&quot; &lt;b&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(StatusPage, SaysWhatIsWrong) {
  NodeFacts facts = SampleFacts();
  facts.state = NodeState::kDraining;
  facts.last_reload_ok = false;
  facts.store.has_ssd = false;
  facts.ssd_off_after_crashes = true;
  facts.insecure_listen = true;

  const std::string page = RenderStatusPage(facts);

  EXPECT_THAT(page, HasSubstr("bad\">draining"));
  EXPECT_THAT(page, HasSubstr("last reload failed"));
  EXPECT_THAT(page, HasSubstr("SSD tier off"));
  EXPECT_THAT(page, HasSubstr("insecure"));
}

TEST(StatusPage, ANodeThatHasSeenNothingHasAPageToo) {
  EXPECT_THAT(RenderStatusPage(NodeFacts{}), HasSubstr("starting"));
}

}  // namespace
}  // namespace halflife
