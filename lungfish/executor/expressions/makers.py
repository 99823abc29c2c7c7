"""Every kind of bound expression with its two makers. A new kind is added here."""

from __future__ import annotations

from collections.abc import Mapping

from lungfish.executor.compiler import RowMaker, VectorMaker
from lungfish.executor.expressions.calls import row_call, vector_call
from lungfish.executor.expressions.casts import row_cast, vector_cast
from lungfish.executor.expressions.collections import (
    row_array,
    row_in_list,
    row_quantified,
    row_row,
    vector_array,
    vector_in_list,
    vector_quantified,
    vector_row,
)
from lungfish.executor.expressions.conditional import (
    row_case,
    row_coalesce,
    row_extreme,
    vector_case,
    vector_coalesce,
    vector_extreme,
)
from lungfish.executor.expressions.domains import row_domain, vector_domain
from lungfish.executor.expressions.leaves import (
    row_column,
    row_constant,
    row_outer,
    row_parameter,
    vector_column,
    vector_constant,
    vector_outer,
    vector_parameter,
)
from lungfish.executor.expressions.logic import (
    row_and,
    row_is_boolean,
    row_is_distinct,
    row_is_null,
    row_not,
    row_or,
    vector_and,
    vector_is_boolean,
    vector_is_distinct,
    vector_is_null,
    vector_not,
    vector_or,
)
from lungfish.executor.expressions.subqueries import row_subquery, vector_subquery
from lungfish.planner.expressions import (
    AndAll,
    ArrayExpr,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    DomainExpr,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    OuterRef,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
    SubqueryExpr,
)

VECTOR_MAKERS: Mapping[type, VectorMaker] = {
    Constant: vector_constant,
    ColumnRef: vector_column,
    OuterRef: vector_outer,
    ParameterRef: vector_parameter,
    Call: vector_call,
    CastTo: vector_cast,
    DomainExpr: vector_domain,
    AndAll: vector_and,
    OrAny: vector_or,
    NotExpr: vector_not,
    IsNullExpr: vector_is_null,
    IsBooleanExpr: vector_is_boolean,
    IsDistinctExpr: vector_is_distinct,
    CaseExpr: vector_case,
    CoalesceExpr: vector_coalesce,
    ExtremeExpr: vector_extreme,
    InListExpr: vector_in_list,
    ArrayExpr: vector_array,
    RowExpr: vector_row,
    QuantifiedArrayExpr: vector_quantified,
    SubqueryExpr: vector_subquery,
}

ROW_MAKERS: Mapping[type, RowMaker] = {
    Constant: row_constant,
    ColumnRef: row_column,
    OuterRef: row_outer,
    ParameterRef: row_parameter,
    Call: row_call,
    CastTo: row_cast,
    DomainExpr: row_domain,
    AndAll: row_and,
    OrAny: row_or,
    NotExpr: row_not,
    IsNullExpr: row_is_null,
    IsBooleanExpr: row_is_boolean,
    IsDistinctExpr: row_is_distinct,
    CaseExpr: row_case,
    CoalesceExpr: row_coalesce,
    ExtremeExpr: row_extreme,
    InListExpr: row_in_list,
    ArrayExpr: row_array,
    RowExpr: row_row,
    QuantifiedArrayExpr: row_quantified,
    SubqueryExpr: row_subquery,
}
