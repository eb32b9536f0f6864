-- The template versions in force: the latest one landed of each. Before there were languages, a template was its name.
with templates as (

    select
        template,
        name,
        language,
        channel,
        purpose,
        version,
        valid_until,
        _loaded_at
    from {{ source('muster', 'templates') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by template
            order by _loaded_at desc nulls last, version asc nulls last, valid_until asc nulls last
        ) as version_rank
    from templates

)

select
    template,
    coalesce(name, template) as name,
    language,
    version as message_version,
    channel,
    coalesce(purpose, 'marketing') as purpose,
    valid_until
from versions_ranked
where version_rank = 1
