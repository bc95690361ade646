"""Routes of a model's versions: list, promotion, rollback."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from serving.api.respond import describe_body, read_body
from serving.errors import RegistryAway
from serving.http.decoding import BodyDecoder
from serving.http.problems import MEDIA_TYPE, problem_of, problems
from serving.http.validation import refuse_encoded
from serving.observability.logging import add_log_fields
from serving.operation.permissions import check_promotion, key_name, may_promote
from serving.schemas.operation import AliasMove, VersionList
from serving.schemas.request import Promotion
from serving.service import ServiceDependency

router = APIRouter(tags=["models"], dependencies=[Depends(refuse_encoded)])
MOVE_PROBLEMS = problems(403, 404, 408, 409, 413, 415, 422, 500, 502, 503)
DECODER = BodyDecoder[Promotion](Promotion)


@router.get(
    "/v1/models/{name}/versions",
    response_model=VersionList,
    responses=problems(404, 422, 500, 502, 503),
)
async def list_versions(
    name: str, request: Request, service: ServiceDependency
) -> Response:
    """List the versions of a model, newest first, with the facts of their training.

    They are those of the registry at most a few seconds ago. While it is away, the
    problem has the last known ones as further members.
    """
    versions, is_current = await service.operation.versions.newest(name)
    can_promote = may_promote(request, service.settings)
    answer = VersionList(name=name, versions=versions, can_promote=can_promote)
    content = answer.model_dump(mode="json")
    if is_current:
        return JSONResponse(content)
    error = RegistryAway()
    problem = content | problem_of(error).model_dump()
    return JSONResponse(problem, 503, error.headers, media_type=MEDIA_TYPE)


@router.post(
    "/v1/models/{name}/promote",
    responses=MOVE_PROBLEMS,
    openapi_extra=describe_body("Promotion", required=True),
)
async def promote(name: str, request: Request, service: ServiceDependency) -> AliasMove:
    """Point the service's alias at a version, as `recast promote` does.

    The version is loaded and tested first; then this process answers with it at once,
    and others after their next poll. It needs a key with the permission `promote`; on a
    service without keys, SERVING_PROMOTE=on.
    """
    check_promotion(request, service.settings)
    version = DECODER.decode(await read_body(request)).version
    add_log_fields(request.scope, model=name, version=version)
    return await service.operation.moves.promote(name, version, key_name(request))


@router.post("/v1/models/{name}/rollback", responses=MOVE_PROBLEMS)
async def rollback(
    name: str, request: Request, service: ServiceDependency
) -> AliasMove:
    """Point the service's alias back at the version before, as `recast rollback` does.

    Repeat it to go back further. It needs the same permission as a promotion.
    """
    check_promotion(request, service.settings)
    add_log_fields(request.scope, model=name)
    return await service.operation.moves.rollback(name, key_name(request))
