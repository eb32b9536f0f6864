{#- Each audience with each campaign that reads it, itself or through another audience; an audience that none reads
    has one entry with the campaign none. From dbt's own graph, so that nobody has to keep a list. -#}
{%- macro audience_uses() -%}
{%- set uses = [] -%}
{%- set models = (graph.nodes.values() if execute else [])
    | selectattr('resource_type', 'equalto', 'model') | sort(attribute='name') | list -%}
{%- set audiences = models | selectattr('config.schema', 'equalto', 'audiences') | list -%}
{%- set used = [] -%}
{%- for campaign in models | selectattr('config.schema', 'equalto', 'campaigns') -%}
    {%- for audience in audiences if audience.unique_id in audiences_above(campaign) -%}
        {%- do used.append(audience.unique_id) -%}
        {%- do uses.append({'audience': audience.name[4:], 'campaign': campaign.name[4:]}) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for audience in audiences if audience.unique_id not in used -%}
    {%- do uses.append({'audience': audience.name[4:], 'campaign': none}) -%}
{%- endfor -%}
{{ return(uses) }}
{%- endmacro %}

{#- The audiences that a model reads, and those that these read. -#}
{%- macro audiences_above(model) -%}
{%- set found = [] -%}
{%- for name in model.depends_on.nodes if name in graph.nodes and graph.nodes[name].config.schema == 'audiences' -%}
    {%- do found.append(name) -%}
    {%- do found.extend(audiences_above(graph.nodes[name])) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}
