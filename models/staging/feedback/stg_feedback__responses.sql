-- The latest version of each survey answer known at as_of.
with responses as (

    select
        response_id,
        profile_id,
        survey,
        topic,
        score,
        comment,
        submitted_at,
        _loaded_at,
        _source_file
    from {{ source('feedback', 'responses') }}
    where _loaded_at < {{ as_of() }}

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by response_id
            order by _loaded_at desc nulls last, _source_file desc nulls last, submitted_at desc nulls last
        ) as version_rank
    from responses

)

select
    response_id,
    profile_id,
    lower(trim(survey)) as survey,
    lower(nullif(trim(topic), '')) as topic,
    nullif(trim(comment), '') as comment_text,
    score,
    submitted_at,
    _loaded_at as loaded_at
from versions_ranked
where version_rank = 1
