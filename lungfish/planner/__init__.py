"""The planner: a statement's tree to a physical plan.

Start at `plan_statement`; `RULES` in optimizer.py is the list of rewrites. `expressions.py` and `physical.py` are the contract
with the executor. Nothing here runs a plan or reads a table: what it knows of the data comes through `Statistics`.
"""

from lungfish.planner.bind_stored import placed_in
from lungfish.planner.check_rule import check_rule
from lungfish.planner.coerce import may_assign
from lungfish.planner.deparse import Deparsing, columns_read, deparse_query
from lungfish.planner.explain import ExplainOptions, explain
from lungfish.planner.plan_statement import (
    describe_query,
    describe_statement,
    output_collations,
    plan_statement,
    routines_used,
)
from lungfish.planner.routine_checks import (
    bind_procedure_call,
    check_default,
    check_routine,
    objects_of_body,
    resolve_routine_type,
    routine_shape,
)
from lungfish.planner.rule_rewrite import refuse_several
from lungfish.planner.settle_literals import settle_default, settle_literals
from lungfish.planner.standalone import (
    bind_constant,
    bind_domain_texts,
    bind_domain_value,
    bind_generated,
    bind_row_condition,
    bind_stored_expression,
    objects_used,
    resolve_type_name,
)
from lungfish.planner.statistics import DefaultStatistics, Statistics
from lungfish.planner.stored_facts import (
    ExpressionFacts,
    stored_expression_facts,
    stored_routines,
    stored_value_type,
)
from lungfish.planner.stored_names import names_type, stored_names
from lungfish.planner.stored_text import show_default, show_key, show_stored
from lungfish.planner.support_functions import SupportCall, find_support
from lungfish.planner.updatable_views import own_items, reason_against_changes, relation_beneath

__all__ = [
    "DefaultStatistics",
    "Deparsing",
    "ExplainOptions",
    "ExpressionFacts",
    "Statistics",
    "SupportCall",
    "bind_constant",
    "bind_domain_texts",
    "bind_domain_value",
    "bind_generated",
    "bind_procedure_call",
    "bind_row_condition",
    "bind_stored_expression",
    "check_default",
    "check_routine",
    "check_rule",
    "columns_read",
    "deparse_query",
    "describe_query",
    "describe_statement",
    "explain",
    "find_support",
    "may_assign",
    "names_type",
    "objects_of_body",
    "objects_used",
    "output_collations",
    "own_items",
    "placed_in",
    "plan_statement",
    "reason_against_changes",
    "refuse_several",
    "relation_beneath",
    "resolve_routine_type",
    "resolve_type_name",
    "routine_shape",
    "routines_used",
    "settle_default",
    "settle_literals",
    "show_default",
    "show_key",
    "show_stored",
    "stored_expression_facts",
    "stored_names",
    "stored_routines",
    "stored_value_type",
]
