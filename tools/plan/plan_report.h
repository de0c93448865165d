#pragma once

#include "tools/output/report.h"
#include "tools/plan/backtest.h"
#include "tools/plan/capacity_plan.h"

namespace halflife::tools {

// Tables of a plan: plan, sizes, tiers, endurance, next_gib, curve, assumptions. Every other number
// follows from the last two and `plan` by the formulas in docs/plan.md. For people the curve
// has fewer columns.
Report PlanReport(const CapacityPlan& plan, const ReuseClasses& reuse, const Hardware& hardware,
                  bool for_people);

// What the curve is computed from: life_tables and openings, by class.
void AddEvidence(const ReuseClasses& reuse, Report& report);

// Tables backtest and backtest_error; observed, if there is any.
void AddBacktest(const Backtest& backtest, Report& report);

}  // namespace halflife::tools
