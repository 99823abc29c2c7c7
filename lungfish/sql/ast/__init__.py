"""Our tree of a statement: frozen dataclasses, each with its place in the text, taken apart with `match`.

Start at `Statement`. Nothing here knows names or types; the planner's binder resolves those.
"""

from lungfish.sql.ast import (
    built_ins,
    ddl,
    dml,
    expressions,
    operators,
    queries,
    relation_options,
    rights,
    roles,
    routines,
    rules,
    statistics,
    type_definitions,
    upkeep,
    utility,
)

Statement = (
    queries.Query
    | dml.Insert
    | dml.Update
    | dml.Delete
    | dml.Merge
    | dml.Truncate
    | dml.Copy
    | ddl.CreateTable
    | ddl.CreateTableAs
    | ddl.CreateIndex
    | ddl.CreateView
    | ddl.RefreshMaterializedView
    | ddl.CreateSchema
    | ddl.CreateSequence
    | ddl.AlterSequence
    | type_definitions.CreateEnum
    | type_definitions.AlterEnum
    | type_definitions.CreateCompositeType
    | type_definitions.CreateRange
    | type_definitions.CreateDomain
    | type_definitions.AlterCompositeType
    | type_definitions.AlterDomain
    | routines.CreateAggregate
    | routines.CreateFunction
    | routines.DropFunction
    | routines.AlterFunction
    | routines.MoveFunction
    | routines.CommentFunction
    | routines.Call
    | ddl.AlterTable
    | ddl.Rename
    | ddl.SetSchema
    | ddl.Drop
    | upkeep.DropAbsent
    | built_ins.DropBuiltIn
    | statistics.CreateStatistics
    | statistics.AlterStatistics
    | statistics.DropStatistics
    | operators.CreateOperator
    | operators.AlterOperator
    | operators.CommentOperator
    | operators.CreateCast
    | operators.CommentCast
    | rights.Grant
    | roles.CreateRole
    | roles.AlterRole
    | roles.DropRole
    | roles.GrantRole
    | roles.AlterDefaultPrivileges
    | roles.ReassignOwned
    | roles.DropOwned
    | rights.SecurityLabel
    | rights.ChangeObjectOwner
    | upkeep.CreateExtension
    | upkeep.Reindex
    | rules.CreateRule
    | rules.DropRule
    | relation_options.Cluster
    | relation_options.RewriteTables
    | ddl.Comment
    | utility.Begin
    | utility.Commit
    | utility.Rollback
    | utility.Savepoint
    | utility.Release
    | utility.SetTransaction
    | utility.SetConstraints
    | utility.SetVariable
    | utility.ShowVariable
    | utility.Explain
    | utility.Prepare
    | utility.Execute
    | utility.Deallocate
    | utility.DeclareCursor
    | utility.Fetch
    | utility.CloseCursor
    | utility.LockTable
    | utility.Analyze
    | utility.Vacuum
    | utility.Discard
    | utility.AsOf
    | utility.Checkpoint
    | utility.DropCheckpoint
    | utility.CancelCheckpoint
    | utility.AlterSystem
    | utility.WalCheckpoint
    | utility.ExplainRecovery
    | utility.Scrub
    | utility.Backup
    | utility.VerifyBackup
    | utility.Restore
)

__all__ = [
    "Statement",
    "built_ins",
    "ddl",
    "dml",
    "expressions",
    "queries",
    "relation_options",
    "rights",
    "roles",
    "routines",
    "statistics",
    "type_definitions",
    "utility",
]
