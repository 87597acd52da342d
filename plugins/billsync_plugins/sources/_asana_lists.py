"""Asana's lists: the projects of one night, asked for once, and the phases that each of them holds."""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from billsync.model.work import Milestone, Project
from billsync.sdk import Field
from billsync.sdk.api import Http, Json
from billsync.sdk.parse import need
from billsync.sdk.row import Row
from billsync_plugins.sources._asana_phases import PROJECT, TASK, PhaseOptions, check_known, phase, project, section

SUBTYPES = {"milestone", "approval"}


class ListOptions(PhaseOptions):
    """Which projects are read, and what stands for a phase there."""

    workspace: str = Field(description="Gid of the workspace: `billsync check` lists those of the token.")
    projects: tuple[str, ...] = Field(default=(), description="Gids of the projects to read; none: all of them.")
    phases: Literal["milestones", "sections", "projects"] = Field(default="milestones", description="What is billed.")
    attachments: bool = Field(default=False, description="Read the names of attachments: one call for each milestone.")


class Lists:
    """Everything is asked for with the fields that are wanted, for lists hold `opt_fields` only."""

    def __init__(self, http: Http, options: ListOptions) -> None:
        self._http = http
        self._options = options

    def rows(self, path: str, fields: list[str], **params: str) -> Iterator[Json]:
        """The objects of a list."""
        yield from self._http.rows(path, {**params, "opt_fields": fields}, at="data", unique="gid")

    def one(self, path: str, fields: list[str]) -> Json:
        """One object."""
        return need(self._http.get(path, {"opt_fields": fields}), "data")

    def projects(self) -> Iterator[Project]:
        """BadAnswer where the field of clients or of budgets is on none of them."""
        check_known(self._homes, (self._options.client_field, self._options.budget_field), "project")
        return (project(raw, self._options) for raw in self._homes)

    def phases(self) -> Iterator[Milestone]:
        """Of all projects, each once; BadAnswer in the end where a configured field is on none of them."""
        options, seen = self._options, dict[str, Json]()
        for raw in self._homes:
            yield from self._phases_of(raw, Row(raw, "project", "gid").ident("gid"), seen)
        of_phases = (options.amount_field, options.percent_field, options.accepted_field)
        check_known(seen.values(), (*of_phases, *options.fields.values()), "phase")

    @cached_property
    def _homes(self) -> list[Json]:
        if self._options.projects:
            return [self.one(f"/projects/{gid}", PROJECT) for gid in sorted(self._options.projects)]
        of_workspace = self.rows(f"/workspaces/{self._options.workspace}/projects", PROJECT)
        return sorted(of_workspace, key=lambda raw: str(raw["gid"]))

    def _phases_of(self, raw: Json, gid: str, seen: dict[str, Json]) -> Iterator[Milestone]:
        options = self._options
        if options.phases == "projects":
            seen[gid] = raw
            yield phase(raw, gid, options)
            return
        tasks = list(self.rows("/tasks", TASK, project=gid))
        if options.phases == "sections":
            sections = self.rows(f"/projects/{gid}/sections", ["name"])
            yield from (section(part, gid, tasks, options.zone) for part in sections)
            return
        for task in tasks:
            if Row(task, "task", "gid").text("resource_subtype") in SUBTYPES and task["gid"] not in seen:
                seen[task["gid"]] = task
                yield phase(task, gid, options, self._attachments(task["gid"]))

    def _attachments(self, task: str) -> tuple[str, ...]:
        files = self.rows("/attachments", ["name"], parent=task) if self._options.attachments else ()
        return tuple(sorted(Row(raw, "attachment", "gid").text("name") for raw in files))
