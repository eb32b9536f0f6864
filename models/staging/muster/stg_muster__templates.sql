-- The template versions in force: the latest one landed of each.
with templates as (

    select
        template,
        version,
        channel,
        _loaded_at
    from {{ source('muster', 'templates') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by template
            order by _loaded_at desc nulls last, version asc nulls last
        ) as version_rank
    from templates

)

select
    template,
    version as message_version,
    channel
from versions_ranked
where version_rank = 1
