-- Which campaigns use which audience, themselves or through another audience, read from the lineage of the project.
-- It only lists: what follows from it is in rpt_audience_health.
{%- for use in audience_uses() %}
select
    cast('{{ use.audience }}' as string) as audience,
    cast({{ 'null' if use.campaign is none else "'" ~ use.campaign ~ "'" }} as string) as campaign
{% if not loop.last %}union all{% endif %}
{%- endfor %}
